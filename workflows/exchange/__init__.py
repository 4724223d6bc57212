"""Import and export of workflows: documents of AwaitStep, and archives of workflows."""

from __future__ import annotations
