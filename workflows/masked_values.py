"""The values to mask in the runs and logs of a workflow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from workflows.models import MaskedValue

_LONG: Final = 12  # characters


def masked_values(workflow_id: str) -> frozenset[str]:
    """Return all values that secrets of the workflow and global secrets have or had.

    Long values of other workflows' secrets are included, because workflows pass values to each other.
    """
    return masked_in(workflow_id, MaskedValue.objects.readable())


def masked_in(workflow_id: str, values: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return which of the values, each with the id of its workflow, are masked in this workflow."""
    return frozenset(
        value for owner, value in values if owner in ("", workflow_id) or len(value) >= _LONG
    )
