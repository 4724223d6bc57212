"""Checks of the repository that are not tests: its wording, its settings for production, its Dockerfile."""
