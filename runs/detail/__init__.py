"""One run: read from its target, and what its page, the waiting list and the terminal show of it."""
