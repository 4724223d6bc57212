"""What is known about the value of an expression without executing it: mainly whether it is the step object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

Value = object
"""One of the classes below; None if nothing is known about the value."""

MAX_CHOICES: Final = 20


@dataclass(frozen=True, slots=True)
class Step:
    """The object that `run` gets as its second argument."""


@dataclass(frozen=True, slots=True)
class MaybeStep:
    """What an unknown function made of the step object: it may have the same methods."""


@dataclass(frozen=True, slots=True)
class StepMethod:
    """A method of the step object, such as `do`."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string; None stands for each part that is not known."""

    parts: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or another value that is shown as it is written."""

    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of the project; `this` is the object that it is a method of."""

    node: Node
    scope: Scope
    name: str = ""
    this: Value = None


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of the project."""

    node: Node
    scope: Scope
    name: str = ""


@dataclass(slots=True, eq=False)
class Fields:
    """An object with known fields; `type` is its class, if it is an instance of one of the project."""

    names: dict[str, Value] = field(default_factory=dict)
    type: Class | None = None


@dataclass(slots=True, eq=False)
class Items:
    """A list; only what was added to it by code that was read is known."""

    values: list[Value] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Promise:
    """The promises with these numbers; `how` is the method of `Promise` that combined them, "" if none."""

    tokens: frozenset[int]
    how: str = ""
    result: Value = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, each with what it is chosen by."""

    values: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lazy:
    """The value of an expression that is evaluated when it is used first."""

    node: Node
    scope: Scope


@dataclass(frozen=True, slots=True)
class Imported:
    """What another module exports; `name` is "*" for all of it."""

    importer: str
    specifier: str
    name: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """All exports of a module of the project."""

    path: str


STEP: Final = Step()
STEP_METHODS: Final = ("do", "sleep", "sleepUntil", "waitForEvent")


class Scope:
    """The names in a block, a function or a module, and those around it.

    Texts and numbers of variables (`x`) and properties (`.x`) that are assigned to somewhere, which
    are `changing`, are not known.
    """

    __slots__ = ("_names", "_parent", "changing", "path", "this")

    def __init__(
        self,
        path: str,
        parent: Scope | None = None,
        *,
        this: Value = None,
        changing: frozenset[str] = frozenset(),
    ) -> None:
        self.path = path
        self.this = this
        self.changing = changing
        self._parent = parent
        self._names: dict[str, Value] = {}

    def inner(self) -> Scope:
        """Return a scope for a block inside this one."""
        return self.function(self.this)

    def function(self, this: Value) -> Scope:
        """Return a scope for the parameters and the body of a function that is declared here."""
        return Scope(self.path, self, this=this, changing=self.changing)

    def declare(self, name: str, value: Value) -> None:
        self._names[name] = self.lasting(name, value)

    def assign(self, name: str, value: Value) -> None:
        """Set the value of a name where it is declared; one that is not declared is ignored."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope._names:
                scope.declare(name, value)
                return
            scope = scope._parent

    def lasting(self, name: str, value: Value) -> Value:
        """Return the value, if a variable or a property with this name keeps it."""
        return None if name in self.changing and is_text(value) else value

    def find(self, name: str) -> Value:
        scope: Scope | None = self
        while scope is not None:
            if name in scope._names:
                return scope._names[name]
            scope = scope._parent
        return None

    def has(self, name: str) -> bool:
        """Whether the name is declared here or further out."""
        scope: Scope | None = self
        while scope is not None and name not in scope._names:
            scope = scope._parent
        return scope is not None


def is_text(value: Value) -> bool:
    """Whether a value is a text or a number, or one of several."""
    if isinstance(value, Choice):
        return any(is_text(part) for _, part in value.values)
    return isinstance(value, Text | Literal)


def choice(values: Iterable[tuple[str, Value]]) -> Value:
    """Return one of several values; a text that may also be another, unknown one is not known."""
    pairs = list(values)
    is_sure = all(value is not None for _, value in pairs)
    known = [pair for pair in pairs if pair[1] is not None and (is_sure or not is_text(pair[1]))]
    distinct = tuple({value: (key, value) for key, value in known}.values())
    if len(distinct) == 1:
        return distinct[0][1]
    return Choice(distinct[:MAX_CHOICES]) if distinct else None


def tokens_of(value: Value) -> frozenset[int]:
    """Return the numbers of the promises in a value."""
    if isinstance(value, Promise):
        return value.tokens
    parts = value.values if isinstance(value, Items) else ()
    return frozenset().union(*(tokens_of(part) for part in parts if part is not value))


def patterns_of(value: Value) -> Iterator[tuple[str | None, ...]]:
    """Yield the texts that a value can be, each as parts, with None for any text."""
    match value:
        case Text(parts=parts):
            yield parts
        case Literal(source=source):
            yield (source,)
        case Choice(values=values):
            for _, part in values:
                yield from patterns_of(part)
        case _:
            yield (None,)
