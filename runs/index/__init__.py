"""The index of runs: its rows, how they are written, listed and assigned to deployments."""
