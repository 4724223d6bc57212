"""Changes to runs as server-sent events."""
