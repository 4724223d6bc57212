"""What a target reports about a run and its steps, parsed into values."""
