"""The arguments of an operation, parsed from untrusted JSON."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from workflows.editing.document.refusals import Refused
from workflows.editing.document.workbench import JsonObject, Slot
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.raw_values import MAX_DEPTH, check_values


class Arguments:
    """Typed access to the members of an operation; raises Refused for a wrong or missing one."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Refused(f"An operation must be an object, not {quoted(value)}.")
        for problem in check_values(value, max_depth=MAX_DEPTH):
            raise Refused(f"The operation's {problem.path or 'value'} {problem.message}.")
        self._value: JsonObject = value

    def has(self, key: str) -> bool:
        return key in self._value

    def raw(self, key: str) -> Any:
        """Return any JSON value."""
        if key not in self._value:
            raise Refused(f"The operation has no {quoted(key)}.")
        return self._value[key]

    def text(self, key: str, default: str | None = None) -> str:
        """Return text, which is required unless there is a default."""
        if default is not None and self._value.get(key) is None:
            return default
        value = self.raw(key)
        if not isinstance(value, str):
            raise Refused(f"The operation's {key} must be text, not {quoted(value)}.")
        return value

    def index(self, key: str) -> int:
        """Return a whole number of at least 0."""
        value = self.raw(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Refused(f"The operation's {key} must be a whole number, not {quoted(value)}.")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false; false by default."""
        return self._value.get(key) is True

    def choice(self, key: str, options: Collection[str]) -> str:
        """Return one of the options."""
        value = self.text(key)
        if value not in options:
            raise Refused(
                f"The {key} must be one of {listed(options, limit=30)}, not {quoted(value)}."
            )
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of at least one string, without repetitions."""
        value = self.raw(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Refused(f"The operation's {key} must be a list of strings, not {quoted(value)}.")
        if not value:
            raise Refused("Select at least one node.")
        return list(dict.fromkeys(value))

    def object(self, key: str) -> JsonObject:
        """Return an object."""
        value = self.raw(key)
        if not isinstance(value, dict):
            raise Refused(f"The operation's {key} must be an object, not {quoted(value)}.")
        return value

    def objects(self, key: str) -> list[Arguments]:
        """Return a list of at least one object."""
        value = self.raw(key)
        if not isinstance(value, list) or not value:
            raise Refused(f"The operation's {key} must be a list of objects, not {quoted(value)}.")
        return [Arguments(item) for item in value]

    def slot(self) -> Slot:
        """Return the slot: `{"after": node}`, or the start of `{"owner": node, "region": index}`."""
        value = Arguments(self.object("slot"))
        if value.text("after", ""):
            return Slot(after=value.text("after"))
        owner = value.text("owner", "")
        return Slot(owner=owner, region=value.index("region") if owner else 0)
