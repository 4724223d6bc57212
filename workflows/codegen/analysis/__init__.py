"""What is decided about a whole workflow before code is written."""

from __future__ import annotations
