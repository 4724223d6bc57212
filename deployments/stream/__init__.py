"""Event streams of deployments."""
