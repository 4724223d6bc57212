"""The management commands of the web server, one per module."""
