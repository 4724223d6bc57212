"""The node types that come with AwaitStep, one folder each under `types/`, and the registry of all types."""

from __future__ import annotations
