"""Masks secrets in what alerts say. A value may have become a secret since the alert fired."""

from __future__ import annotations

from typing import Final

from toolchain.redaction import redact, redact_beginning
from workflows.masked_values import masked_in
from workflows.models import MaskedValue

LONGEST_REASON: Final = 500  # characters, after which reasons are truncated


class CurrentMasks:
    """Masks what is secret now; use it for a page or a message, and not longer."""

    def __init__(self) -> None:
        self._values = tuple(MaskedValue.objects.readable())

    def hide(self, text: str, workflow_id: str) -> str:
        """Return a text about the workflow, masked; one that was truncated may end within a secret."""
        mask = redact if len(text) < LONGEST_REASON else redact_beginning
        return mask(text, masked_in(workflow_id, self._values))
