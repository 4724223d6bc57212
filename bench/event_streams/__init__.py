"""Event streams with many watchers, beside bare queues under the same server."""
