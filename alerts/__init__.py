"""Alerts: rules about deployments and runs, what has fired, and the messages about it."""

from __future__ import annotations
