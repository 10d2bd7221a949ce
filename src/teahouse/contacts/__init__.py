"""Friends by consent: greetings, contacts, blocking."""
