"""Pages for people: the front door, and making the first administrator."""
