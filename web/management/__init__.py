"""The management commands of the web server."""
