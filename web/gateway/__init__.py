"""What every request passes in front of Django and the event streams."""

from __future__ import annotations
