"""Reads one JSON object field by field and collects problems instead of raising at the first."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

from workflows.ir.reading import durations, fields
from workflows.ir.reading.fields import Code, Duration, Field, Json, NotJson, Text
from workflows.ir.reading.problems import Problem, Severity, listed, quoted
from workflows.ir.reading.references import malformed_references_in

_Kept = TypeVar("_Kept", Code, Text, Json)

_MISSING: Final = object()
_NO_SETTING: Final = "is not a setting of this type: it is kept and has no effect"
_NAMES: Final = {str: "text", dict: "an object", list: "a list", int: "a whole number"}


class Reader:
    """One object of the document; every `read` method returns a usable value, whatever it finds.

    `fields` gathers what holds code, text or JSON of the person's own, for the checks to come;
    `config` is the `config` beside a node's `data`, which wins over it.
    """

    __slots__ = ("_known", "_log", "config", "fields", "node_id", "path", "value")

    def __init__(
        self, value: dict[str, Any], *, path: str, log: list[Problem], node_id: str = ""
    ) -> None:
        self.value = value
        self.path = path
        self.node_id = node_id
        self.fields: list[Field] = []
        self.config: Reader | None = None
        self._log = log
        self._known: set[str] = set()

    def problem(self, key: str, message: str) -> None:
        self._log.append(Problem(path=self.at(key), message=message, node_id=self.node_id))

    def warning(self, key: str, message: str) -> None:
        self._log.append(
            Problem(
                path=self.at(key),
                message=message,
                node_id=self.node_id,
                severity=Severity.WARNING,
            )
        )

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _get(self, key: str) -> Any:
        """Return the value, or _MISSING when it is absent or null."""
        self._known.add(key)
        value = self.value.get(key)
        return _MISSING if value is None else value

    def _typed(self, key: str, kind: type, default: Any) -> Any:
        value = self._get(key)
        if value is _MISSING:
            if default is _MISSING:
                self.problem(key, f"is missing: write {_NAMES[kind]}")
            return default
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        self.problem(key, f"must be {_NAMES[kind]}, not {quoted(value)}")
        return _MISSING

    def string(self, key: str, default: str | None = None) -> str:
        """Return a text that is not empty; without a default it must be there."""
        found = self.value.get(key)
        if found and isinstance(found, str):
            self._known.add(key)
            return found
        value = self._typed(key, str, _MISSING if default is None else default)
        if value is _MISSING:
            return default or ""
        if not value and default != "":
            self.problem(key, "must not be empty")
        return str(value)

    def integer(self, key: str, default: int | None, *, least: int, most: int) -> int:
        value = self._typed(key, int, _MISSING if default is None else default)
        if value is _MISSING:
            return least
        if not least <= value <= most:
            self.problem(key, f"must be between {least} and {most}, not {quoted(value)}")
            return least
        return int(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._get(key)
        if value is _MISSING or isinstance(value, bool):
            return default if value is _MISSING else bool(value)
        self.problem(key, f"must be true or false, not {quoted(value)}")
        return default

    def choice(self, key: str, default: str, options: Collection[str]) -> str:
        value = self._get(key)
        if value is _MISSING or value in options:
            return default if value is _MISSING else str(value)
        self.problem(key, f"must be one of {listed(options)}, not {quoted(value)}")
        return default

    def child(self, key: str) -> Reader | None:
        """Return a reader of an object that may be absent."""
        value = self._typed(key, dict, None)
        return None if value is None or value is _MISSING else self._reader(value, self.at(key))

    def required(self, key: str) -> Reader:
        """Return a reader of an object that must be there; an empty one in its place if not."""
        value = self._typed(key, dict, _MISSING)
        if value is _MISSING:  # reported; what it should hold is not reported as well
            return Reader({}, path=self.at(key), log=[], node_id=self.node_id)
        return self._reader(value, self.at(key))

    def objects(self, key: str, *, names: str = "") -> Iterator[Reader]:
        """Yield a reader for each object of a list, named by its `names` member or its index."""
        value, path = self._typed(key, list, _MISSING), self.at(key)
        for index, item in enumerate([] if value is _MISSING else value):
            if isinstance(item, dict):
                name = item.get(names) if names else None
                shown = name if isinstance(name, str) and name else index
                yield self._reader(item, f"{path}.{shown}")
            else:
                self.problem(f"{key}.{index}", f"must be an object, not {quoted(item)}")

    def _reader(self, value: dict[str, Any], path: str) -> Reader:
        child = Reader(value, path=path, log=self._log, node_id=self.node_id)
        child.fields = self.fields
        return child

    def code(self, key: str, *, is_expression: bool, optional: bool = False) -> Code:
        """Return TypeScript; empty code is a problem unless it is optional."""
        source = self.string(key, "" if optional else None)
        if source and not source.strip() and not optional:
            self.problem(key, "must not be empty")
        return self._keep(fields.code(self._inner(key), source, is_expression=is_expression))

    def optional_code(self, key: str) -> Code | None:
        """Return an expression that may be absent; None for one of blanks alone."""
        code = self.code(key, is_expression=True, optional=True)
        if code.source.strip():
            return code
        self.fields.remove(code)
        return None

    def text(self, key: str, default: str | None = None, *, trimmed: bool = False) -> Text:
        """Return a text; a trimmed one has no blanks around it, and is more than blanks."""
        source = self.string(key, default)
        if trimmed:
            if source and not source.strip():
                self.problem(key, "must not be empty")
            source = source.strip()
        field = fields.text(self._inner(key), source)
        self._warn_of_braces(key, field.source)
        return self._keep(field)

    def json(self, key: str, value: Any) -> Json:
        """Return a JSON field for a value that the caller has found under the key."""
        self._known.add(key)
        for part in fields.strings_in(value):
            self._warn_of_braces(key, part)
        return self._keep(fields.json_value(self._inner(key), value))

    def table(self, key: str) -> Json | None:
        """Return an object, given as one or as text that is JSON; None when it is absent or empty."""
        value = self._get(key)
        if value is _MISSING or value == "":
            return None
        if isinstance(value, str):
            try:
                value = fields.loads_with_references(value)
            except NotJson:
                value = _MISSING
        if isinstance(value, dict):
            return self.json(key, value) if value else None
        self.problem(key, 'must be an object such as {"name": "value"}, or text that is one')
        return None

    def timeout(self, key: str, default: str) -> Duration:
        """Return how long something may take: a duration that is not nothing."""
        found = self.duration(key, default)
        words = found.value.source if isinstance(found.value, Text) else ""
        if self.has(key) and (self.value[key] == 0 or durations.milliseconds(words) == 0):
            self.problem(key, "must be longer than nothing: leave it out for the usual time")
        return found

    def duration(self, key: str, default: str | None = None) -> Duration:
        """Return how long; whole milliseconds or words, at most 365 days. The default is none to check."""
        value = self._get(key)
        if value is _MISSING and default is not None:
            return _usual(self._inner(key), default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if 0 <= value <= durations.LONGEST and value == int(value):
                return Duration(int(value))
            self.problem(key, durations.HOW_TO)
            return Duration(0)
        field = self.text(key, default)
        if field.source and not field.references:
            length = durations.milliseconds(field.source)
            if length is None or length > durations.LONGEST:
                self.problem(key, f"{durations.HOW_TO}; found {quoted(field.source)}")
        return Duration(field)

    def raw(self, key: str) -> Any:
        """Return whatever stands under the key, None when nothing does."""
        value = self._get(key)
        return None if value is _MISSING else value

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def know(self, *keys: str) -> None:
        """Name settings that the type has, read or not, so that they are not warned of."""
        self._known.update(keys)

    @property
    def known(self) -> frozenset[str]:
        """The settings that the type has, once it has read them."""
        return frozenset(self._known)

    def warn_of_unknown(self, message: str = _NO_SETTING) -> None:
        """Warn of every member that nobody asked for: it is kept, and has no effect."""
        for key in self.value:
            if key not in self._known:
                self.warning(key, message)

    def part(self, keys: Collection[str]) -> Reader:
        """Return a reader of these members alone, beside the same `config`."""
        members = {key: self.value[key] for key in keys if key in self.value}
        part = self._reader(members, self.path)
        part.config = self.config
        self._known.update(keys)
        return part

    def with_value(self, key: str, value: Any) -> Reader:
        """Return a reader that finds this value under the key, as if it had been written there."""
        return self._reader({key: value}, self.path)

    def _keep(self, field: _Kept) -> _Kept:
        self.fields.append(field)
        return field

    def _inner(self, key: str) -> str:
        """Return the path inside the node: `data.code`."""
        return self.at(key).removeprefix(f"nodes.{self.node_id}.")

    def _warn_of_braces(self, key: str, source: str) -> None:
        for found in malformed_references_in(source):
            self.warning(
                key,
                f"{quoted(found)} is not a reference and is used as it stands: "
                "a reference looks like {{ node.path }}",
            )


@lru_cache(maxsize=64)
def _usual(path: str, default: str) -> Duration:
    return Duration(fields.text(path, default))
