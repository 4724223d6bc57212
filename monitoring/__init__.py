"""What monitoring systems read: health checks and metrics."""

from __future__ import annotations
