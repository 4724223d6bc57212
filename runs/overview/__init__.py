"""Many runs at once: figures, charts, the dashboard's summary, the Workflows on targets."""
