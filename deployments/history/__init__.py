"""The record: what was deployed where, and what is live."""
