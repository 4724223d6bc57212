"""Test runs of drafts, each in a Worker of its own on the embedded platform."""
