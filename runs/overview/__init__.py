"""Figures and charts of many runs, the dashboard's summary, the Workflows on targets."""
