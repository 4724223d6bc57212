"""Live logs of a Worker, from its tail to the browser."""
