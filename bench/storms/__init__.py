"""Many runs, runs that wait, and many Workers on the embedded platform."""
