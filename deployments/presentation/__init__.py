"""What pages and commands show about deployments."""
