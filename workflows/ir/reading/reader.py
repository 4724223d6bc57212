"""Reads a JSON object field by field, and collects problems instead of raising the first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

from workflows.ir.reading import durations, fields
from workflows.ir.reading.fields import Code, Duration, Field, Json, NotJson, RepeatedKey, Text
from workflows.ir.reading.problems import Problem, Severity, listed, quoted
from workflows.ir.reading.raw_values import MAX_DEPTH, check_values
from workflows.ir.reading.references import malformed_references_in

_Field = TypeVar("_Field", Code, Text, Json)

_MISSING: Final = object()
_UNKNOWN: Final = "is not a setting of this node type and has no effect: check the spelling"
_TYPE_NAMES: Final = {str: "text", dict: "an object", list: "a list", int: "a whole number"}


class Reader:
    """A reader of one object of the document; its methods return usable values for any input.

    `fields` collects the settings with code, text or JSON, for later checks. `config` is the object
    next to a node's `data`, whose settings take precedence.
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
        """Report an error at a member."""
        self._log.append(Problem(path=self.at(key), message=message, node_id=self.node_id))

    def warning(self, key: str, message: str) -> None:
        """Report a warning at a member."""
        self._log.append(
            Problem(
                path=self.at(key),
                message=message,
                node_id=self.node_id,
                severity=Severity.WARNING,
            )
        )

    @property
    def problem_count(self) -> int:
        """How many problems have been reported so far, in the whole document."""
        return len(self._log)

    def problems_since(self, count: int) -> tuple[Problem, ...]:
        """Return the problems that were reported after the first `count` ones."""
        return tuple(self._log[count:])

    def repeat(self, problems: Iterable[Problem]) -> None:
        """Report problems that have already been found."""
        self._log.extend(problems)

    def at(self, key: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{key}" if self.path else key

    def _get(self, key: str) -> Any:
        """Return the value, or _MISSING if it is absent or null."""
        self._known.add(key)
        value = self.value.get(key)
        return _MISSING if value is None else value

    def _typed(self, key: str, kind: type, default: Any) -> Any:
        value = self._get(key)
        if value is _MISSING:
            if default is _MISSING:
                self.problem(key, f"is missing: write {_TYPE_NAMES[kind]}")
            return default
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        self.problem(key, f"must be {_TYPE_NAMES[kind]}, not {quoted(value)}")
        return _MISSING

    def string(self, key: str, default: str | None = None) -> str:
        """Return a non-empty text; it is required if there is no default."""
        text = self.value.get(key)
        if text and isinstance(text, str):
            self._known.add(key)
            return text
        value = self._typed(key, str, _MISSING if default is None else default)
        if value is _MISSING:
            return default or ""
        if not value and default != "":
            self.problem(key, "must not be empty")
        return str(value)

    def integer(self, key: str, default: int | None, *, least: int, most: int) -> int:
        """Return a whole number; it is required if the default is None."""
        value = self._typed(key, int, _MISSING if default is None else default)
        if value is _MISSING:
            return least
        if not least <= value <= most:
            self.problem(key, f"must be between {least} and {most}, not {quoted(value)}")
            return least
        return int(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._get(key)
        if value is _MISSING or isinstance(value, bool):
            return default if value is _MISSING else bool(value)
        self.problem(key, f"must be true or false, not {quoted(value)}")
        return default

    def choice(self, key: str, default: str, options: Collection[str]) -> str:
        """Return one of the options."""
        value = self._get(key)
        if value is _MISSING or value in options:
            return default if value is _MISSING else str(value)
        self.problem(key, f"must be one of {listed(options)}, not {quoted(value)}")
        return default

    def child(self, key: str) -> Reader | None:
        """Return a reader of an optional object."""
        value = self._typed(key, dict, None)
        return None if value is None or value is _MISSING else self._reader(value, self.at(key))

    def required(self, key: str) -> Reader:
        """Return a reader of a required object; an empty one if it is missing."""
        value = self._typed(key, dict, _MISSING)
        if value is _MISSING:  # reported once, not again for each of its members
            return Reader({}, path=self.at(key), log=[], node_id=self.node_id)
        return self._reader(value, self.at(key))

    def objects(self, key: str, *, names: str = "") -> Iterator[Reader]:
        """Yield a reader for each object of a list; its path has the member `names`, or the index."""
        value, path = self._typed(key, list, _MISSING), self.at(key)
        for index, item in enumerate([] if value is _MISSING else value):
            if isinstance(item, dict):
                name = item.get(names) if names else None
                part = name if isinstance(name, str) and name else index
                yield self._reader(item, f"{path}.{part}")
            else:
                self.problem(f"{key}.{index}", f"must be an object, not {quoted(item)}")

    def _reader(self, value: dict[str, Any], path: str) -> Reader:
        child = Reader(value, path=path, log=self._log, node_id=self.node_id)
        child.fields = self.fields
        return child

    def code(
        self,
        key: str,
        *,
        is_expression: bool,
        optional: bool = False,
        parameters: tuple[str, ...] = (),
    ) -> Code:
        """Return TypeScript; empty code is a problem unless `optional`."""
        source = self.string(key, "" if optional else None)
        if source and not source.strip() and not optional:
            self.problem(key, "must not be empty")
        code = fields.code(
            self._inner(key), source, is_expression=is_expression, parameters=parameters
        )
        is_reported = is_expression and not optional and not source.strip()
        return code if is_reported else self._keep(code)

    def optional_code(
        self, key: str, *, is_expression: bool = True, parameters: tuple[str, ...] = ()
    ) -> Code | None:
        """Return optional code; None if it is empty or blank."""
        code = self.code(key, is_expression=is_expression, optional=True, parameters=parameters)
        if code.source.strip():
            return code
        self.fields.remove(code)
        return None

    def text(self, key: str, default: str | None = None, *, trimmed: bool = False) -> Text:
        """Return text; with `trimmed`, without surrounding whitespace and not blank."""
        source = self.string(key, default)
        if trimmed:
            if source and not source.strip():
                self.problem(key, "must not be empty")
            source = source.strip()
        field = fields.text(self._inner(key), source)
        self._warn_about_braces(key, field.source)
        return self._keep(field)

    def json(self, key: str, value: Any) -> Json:
        """Return a JSON field for a value that the caller has read from the key."""
        self._known.add(key)
        for problem in check_values(value, max_depth=MAX_DEPTH):  # in JSON that is written as text
            self.problem(f"{key}.{problem.path}" if problem.path else key, problem.message)
        for part in fields.strings_in(value):
            self._warn_about_braces(key, part)
        return self._keep(fields.json_value(self._inner(key), value))

    def table(self, key: str) -> Json | None:
        """Return an object, which may also be written as JSON text; None if absent or empty."""
        value = self._get(key)
        if value is _MISSING or value == "":
            return None
        if isinstance(value, str):
            try:
                value = fields.loads_with_references(value)
            except RepeatedKey as error:
                self.problem(key, str(error))
                return None
            except NotJson:
                value = _MISSING
        if isinstance(value, dict):
            return self.json(key, value) if value else None
        self.problem(key, 'must be an object such as {"name": "value"}, or the same as JSON text')
        return None

    def timeout(self, key: str, default: int | str) -> Duration:
        """Return a duration longer than zero."""
        duration = self.duration(key, default)
        text = duration.value.source if isinstance(duration.value, Text) else ""
        if self.has(key) and (self.value[key] == 0 or durations.milliseconds(text) == 0):
            self.problem(key, f"must be longer than 0: remove it to use the default of {default}")
        return duration

    def duration(self, key: str, default: int | str | None = None) -> Duration:
        """Return a duration of at most 365 days: whole milliseconds or text. The default is trusted."""
        value = self._get(key)
        if value is _MISSING and default is not None:
            return _default_duration(self._inner(key), default)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if 0 <= value <= durations.MAX_DURATION and value == int(value):
                return Duration(int(value))
            self.problem(key, f"{durations.RULE}, not {quoted(value)}")
            return Duration(0)
        field = self.text(key)
        if field.source and not field.references:
            length = durations.milliseconds(field.source)
            if length is None or length > durations.MAX_DURATION:
                self.problem(key, f"{durations.RULE}, not {quoted(field.source)}")
        return Duration(field)

    def raw(self, key: str) -> Any:
        """Return the value unchanged, or None."""
        value = self._get(key)
        return None if value is _MISSING else value

    def has(self, key: str) -> bool:
        """Whether the member is present and not null."""
        return self.value.get(key) is not None

    def know(self, *keys: str) -> None:
        """Mark settings as known, so that there is no warning about them."""
        self._known.update(keys)

    @property
    def known(self) -> frozenset[str]:
        """The settings that have been read or marked as known."""
        return frozenset(self._known)

    def warn_about_unknown(self, message: str = _UNKNOWN) -> None:
        """Warn about every member that has not been read."""
        for key in self.value:
            if key not in self._known:
                self.warning(key, f"{quoted(key)} {message}")

    def part(self, keys: Collection[str]) -> Reader:
        """Return a reader of only these members, with the same `config`."""
        members = {key: self.value[key] for key in keys if key in self.value}
        part = self._reader(members, self.path)
        part.config = self.config
        self._known.update(keys)
        return part

    def with_value(self, key: str, value: Any) -> Reader:
        """Return a reader of an object that has this value at the key."""
        return self._reader({key: value}, self.path)

    def _keep(self, field: _Field) -> _Field:
        self.fields.append(field)
        return field

    def _inner(self, key: str) -> str:
        """Return the path inside the node: `data.code`."""
        return self.at(key).removeprefix(f"nodes.{self.node_id}.")

    def _warn_about_braces(self, key: str, source: str) -> None:
        for text in malformed_references_in(source):
            self.warning(
                key,
                f"{quoted(text)} is not a reference and is used as text: write references as "
                "{{ node.path }}",
            )


@lru_cache(maxsize=64)
def _default_duration(path: str, default: int | str) -> Duration:
    if isinstance(default, int):
        return Duration(default)
    return Duration(fields.text(path, default))
