"""What can be done with runs, one function each."""
