"""API keys: their text, and creating, finding and revoking them."""

from __future__ import annotations
