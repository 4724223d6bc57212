"""The outcome of one check of a target or of a deployment."""

from __future__ import annotations

from enum import StrEnum


class CheckState(StrEnum):
    """The outcome of a check; UNKNOWN if there was none or it could not be completed."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"
