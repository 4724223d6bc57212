"""Pins: what a node does in a test run instead of its own work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader

NOTHING: Final = object()
"""A value that a test leaves open; None is JSON's null."""
MAX_TIMES: Final = 10_000
MAX_MESSAGE: Final = 1000  # characters
MAX_OUTPUTS: Final = 1000
DEFAULT_MESSAGE: Final = "This failure is pinned."
_EMPTY: Final = 'must have "output", "outputs" or "failures"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The first attempts fail, or all if `times` is None; they time out if `message` is None."""

    times: int | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The failures come first. Afterwards the node has the output, or does its own work.

    Of several `outputs`, the node has the first when it runs for the first time, and so on; then it
    keeps the last.
    """

    output: Any = NOTHING
    outputs: tuple[Any, ...] = ()
    failures: Failures | None = None

    @property
    def has_output(self) -> bool:
        return self.output is not NOTHING or bool(self.outputs)

    def as_json(self) -> dict[str, Any]:
        """Return the pin as it is stored, and as `read_pin` reads it."""
        stored: dict[str, Any] = {} if self.output is NOTHING else {"output": self.output}
        if self.outputs:
            stored["outputs"] = list(self.outputs)
        if self.failures:
            stored["failures"] = {"times": self.failures.times, "message": self.failures.message}
        return stored


def read_pins(reader: Reader) -> dict[str, Pin]:
    """Read pins by the ids of their nodes."""
    pins: dict[str, Pin] = {}
    for node_id in reader.value:
        pin = reader.child(node_id)
        if pin:
            pins[node_id] = _read_pin(pin)
    return pins


def _read_pin(reader: Reader) -> Pin:
    outputs = reader.raw("outputs")
    if outputs is not None and not (isinstance(outputs, list) and 1 <= len(outputs) <= MAX_OUTPUTS):
        reader.problem("outputs", f"must be a list of 1 to {MAX_OUTPUTS:,} outputs")
        outputs = None
    failures = reader.child("failures")
    pin = Pin(
        output=value_or_nothing(reader, "output"),
        outputs=tuple(outputs or ()),
        failures=_read_failures(failures) if failures else None,
    )
    if not pin.has_output and not reader.value.keys() & {"outputs", "failures"}:
        reader.problem("output", _EMPTY)
    refuse_unknown(reader)
    return pin


def value_or_nothing(reader: Reader, key: str) -> Any:
    """Return the value of a member, which may be null; NOTHING if it is absent."""
    reader.know(key)
    return reader.value.get(key, NOTHING)


def refuse_unknown(reader: Reader) -> None:
    """Report each member that has not been read: it would have no effect."""
    for key in reader.value:
        if key not in reader.known:
            reader.problem(key, f"{quoted(key)} is unknown: check the spelling, or remove it")


def _read_failures(reader: Reader) -> Failures:
    times, message = reader.raw("times"), reader.raw("message")
    is_number = isinstance(times, int) and not isinstance(times, bool)
    if times is not None and not (is_number and 1 <= times <= MAX_TIMES):
        reader.problem("times", f"must be 1 to {MAX_TIMES:,}, or null for always")
    if message is not None and not (isinstance(message, str) and 0 < len(message) <= MAX_MESSAGE):
        reader.problem("message", f"must have 1 to {MAX_MESSAGE} characters, or be null")
    refuse_unknown(reader)
    return Failures(times=times, message=message)


def stored_pins(value: Any) -> Mapping[str, Pin]:
    """Return pins that the editor has stored; those that cannot be read are left out."""
    pins: dict[str, Pin] = {}
    for node_id, stored in value.items() if isinstance(value, dict) else ():
        log: list[Any] = []
        found = read_pins(Reader({node_id: stored}, path="", log=log))
        pins |= {} if log else found
    return pins
