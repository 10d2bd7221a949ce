"""Public accounts: who publishes, who writes for them, who follows."""
