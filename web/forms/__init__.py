"""Forms of all apps: simultaneous edits, and text whose line endings stay unchanged."""
