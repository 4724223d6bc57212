"""The outcome of one check of a target or of a deployment."""

from __future__ import annotations

from enum import StrEnum


class CheckState(StrEnum):
    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
