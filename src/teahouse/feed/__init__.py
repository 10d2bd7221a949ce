"""The microblog: timelines, search, hashtags, mentions, trending, and what people keep out of their own sight."""
