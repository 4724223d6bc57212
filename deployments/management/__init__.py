"""The management commands of deployments."""
