"""The operations of the API, one module for each resource. They call services and hold no rules."""

from __future__ import annotations
