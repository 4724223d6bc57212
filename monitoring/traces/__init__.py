"""Traces of deployments and runs, sent to a collector with the OpenTelemetry protocol.

A trace is built from what the database has stored when a deployment or a run has ended.
"""

from __future__ import annotations
