"""Verified badges: checked by the operator's staff, shown with an account, for a term."""
