"""Changing or starting many runs in the background."""
