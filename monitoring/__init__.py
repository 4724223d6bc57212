"""What monitoring systems read: health checks."""

from __future__ import annotations
