"""What all pages share: access, rendering, event streams, formatting and static files."""

from __future__ import annotations
