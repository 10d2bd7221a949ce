"""Moments: posts for friends. What others may use of this slice is in its modules' classes."""
