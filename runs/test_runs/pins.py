"""Pins: what a node does in a test run instead of its own work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runs.services.control import Refused, check_payload

_NOTHING: Final = object()
_MAX_TIMES: Final = 10_000
_MAX_MESSAGE: Final = 1000
DEFAULT_MESSAGE: Final = "This failure is pinned."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The first attempts fail, or all if `times` is None; they time out if `message` is None."""

    times: int | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The failures come first. Afterwards the node has the output, or does its own work."""

    output: Any = _NOTHING
    failures: Failures | None = None

    @property
    def has_output(self) -> bool:
        return self.output is not _NOTHING

    def as_json(self) -> dict[str, Any]:
        """Return the pin as it is stored, and as `read_pin` reads it."""
        stored: dict[str, Any] = {"output": self.output} if self.has_output else {}
        if self.failures:
            stored["failures"] = {"times": self.failures.times, "message": self.failures.message}
        return stored


def read_pin(stored: Any) -> Pin:
    """Read a pin from untrusted JSON; raises Refused."""
    if not isinstance(stored, Mapping) or not stored.keys() <= {"output", "failures"} or not stored:
        raise Refused('A pin must be an object with "output", "failures" or both.')
    output = stored.get("output", _NOTHING)
    if output is not _NOTHING:
        check_payload(output)
    return Pin(output=output, failures=_read_failures(stored.get("failures")))


def read_pins(stored: Any) -> dict[str, Pin]:
    """Read pins by the ids of their nodes; raises Refused."""
    if not isinstance(stored, Mapping):
        raise Refused("The pins must be an object with the ids of nodes.")
    return {str(node_id): read_pin(pin) for node_id, pin in stored.items()}


def _read_failures(stored: Any) -> Failures | None:
    if stored is None:
        return None
    if not isinstance(stored, Mapping):
        raise Refused("The failures of a pin must be an object.")
    times, message = stored.get("times"), stored.get("message")
    is_number = isinstance(times, int) and not isinstance(times, bool)
    if times is not None and not (is_number and 1 <= times <= _MAX_TIMES):
        raise Refused(f"A pinned failure must happen 1 to {_MAX_TIMES:,} times, or always.")
    if message is not None and not (isinstance(message, str) and 0 < len(message) <= _MAX_MESSAGE):
        raise Refused(f"The message of a failure must have 1 to {_MAX_MESSAGE} characters.")
    return Failures(times=times, message=message)
