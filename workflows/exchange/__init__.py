"""Import and export of workflows: what is read, checked and stored, and what an export contains."""

from __future__ import annotations
