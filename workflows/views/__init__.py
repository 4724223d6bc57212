"""Pages and requests of the editor."""

from __future__ import annotations
