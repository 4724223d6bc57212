"""The deployment queue: claims, leases, running and outcomes."""
