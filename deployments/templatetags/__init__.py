"""Template tags and filters of deployments."""
