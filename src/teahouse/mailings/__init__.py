"""Following public accounts by e-mail."""
