"""Posts: what public accounts publish, and what readers do with it."""
