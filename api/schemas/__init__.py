"""What the API receives and sends."""

from __future__ import annotations
