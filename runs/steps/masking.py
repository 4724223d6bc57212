"""Masking of secrets in a run in the format of Cloudflare's API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from toolchain.redaction import redact_json

_PARTS: Final = ("steps", "attempts")
_OF_THE_TARGET: Final = frozenset(
    {
        "end",
        "finished",
        "queued",
        "start",
        "status",
        "step_count",
        "success",
        "trigger",
        "type",
        "versionId",
    }
)
"""Fields with times, states and numbers that come from the target, not from an author."""


def redact_run(data: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """Return the run with the secrets masked in everything that comes from its author or caller.

    What comes from the target stays: a secret such as "running" must not hide the state of a run.
    """
    return _redact(data, frozenset(secrets))


def _redact(part: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    return {name: _redact_field(name, value, secrets) for name, value in part.items()}


def _redact_field(name: str, value: Any, secrets: frozenset[str]) -> Any:
    if name in _OF_THE_TARGET:
        return value
    if name in _PARTS and isinstance(value, list):
        return [
            _redact(part, secrets) if isinstance(part, Mapping) else redact_json(part, secrets)
            for part in value
        ]
    return redact_json(value, secrets)
