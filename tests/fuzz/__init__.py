"""Bad input: whatever is sent, the server answers in the words of the specification and stays as it was."""
