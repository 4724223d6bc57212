"""TypeScript as text: escaping, and lines that remember where they come from."""

from __future__ import annotations
