"""Every recorded answer of the server, held against the Matrix specification's own OpenAPI."""
