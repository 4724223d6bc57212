"""The management commands of deployments, one per module."""
