"""The operator's commands, and the socket through which they speak to a running server."""
