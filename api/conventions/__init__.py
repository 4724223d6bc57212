"""What all calls have in common: callers, limits, errors, pages of lists, and repeated requests."""

from __future__ import annotations
