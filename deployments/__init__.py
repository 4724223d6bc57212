"""Deployments: queue, pipeline, history, drift, pages and commands."""
