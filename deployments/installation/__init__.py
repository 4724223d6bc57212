"""First start, default roles and the servers of an installation."""
