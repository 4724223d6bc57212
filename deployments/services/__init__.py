"""Actions on deployments, for pages, the API and commands."""
