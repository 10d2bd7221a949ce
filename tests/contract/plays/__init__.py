"""What the cast does, one file a subject: each play asks of its operations something right and something wrong."""
