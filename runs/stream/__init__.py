"""Changes of runs as server-sent events."""
