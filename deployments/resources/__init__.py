"""Resources of a target that Workers can be bound to."""
