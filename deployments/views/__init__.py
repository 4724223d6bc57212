"""The pages of deployments."""
