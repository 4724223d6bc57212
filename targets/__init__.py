"""Targets: where to deploy, their checks, rules and accounts."""
