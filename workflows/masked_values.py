"""The values to mask in the runs and logs of a workflow."""

from __future__ import annotations

from typing import Final

from workflows.models import MaskedValue

_LONG: Final = 12  # characters


def masked_values(workflow_id: str) -> frozenset[str]:
    """Return all values that secrets of the workflow and global secrets have or had.

    Long values of other workflows' secrets are included, because workflows pass values to each other.
    """
    rows = MaskedValue.objects.readable()
    return frozenset(
        value for owner, value in rows if owner in ("", workflow_id) or len(value) >= _LONG
    )
