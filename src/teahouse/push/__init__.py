"""Push rules: who is notified of what, and how much is unread."""
