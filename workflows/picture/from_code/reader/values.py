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
class StepMethod:
    """A method of the step object, such as `do`."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string; parts that are not known are None."""

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


class Scope:
    """The names in a block, a function or a module, and those around it."""

    __slots__ = ("_names", "_parent", "is_function", "path", "this")

    def __init__(
        self,
        path: str,
        parent: Scope | None = None,
        *,
        this: Value = None,
        is_function: bool = False,
    ) -> None:
        self.path = path
        self.this = this
        self.is_function = is_function
        self._parent = parent
        self._names: dict[str, Value] = {}

    def inner(self) -> Scope:
        """Return a scope for a block inside this one."""
        return Scope(self.path, self, this=self.this)

    def function(self, this: Value) -> Scope:
        """Return a scope for the parameters and the body of a function that is declared here."""
        return Scope(self.path, self, this=this, is_function=True)

    def declare(self, name: str, value: Value) -> None:
        self._names[name] = value

    def assign(self, name: str, value: Value) -> None:
        """Set the value of a name where it is declared; one that is not declared is ignored."""
        holder = self._holder(name)
        if holder is not None:
            holder.declare(name, value)

    def find(self, name: str) -> Value:
        holder = self._holder(name)
        return holder._names[name] if holder is not None else None

    def has(self, name: str) -> bool:
        """Whether the name is declared here or further out."""
        return self._holder(name) is not None

    def replace(self, name: str, value: Value) -> None:
        """Set the value that has been found for a name that was evaluated only now."""
        self.assign(name, value)

    def _holder(self, name: str) -> Scope | None:
        scope: Scope | None = self
        while scope is not None and name not in scope._names:
            scope = scope._parent
        return scope


def choice(values: Iterable[tuple[str, Value]]) -> Value:
    """Return one of several values; None if nothing is known about any of them."""
    distinct = tuple(dict.fromkeys(pair for pair in values if pair[1] is not None))
    return Choice(distinct[:MAX_CHOICES]) if distinct else None


def tokens_of(value: Value) -> frozenset[int]:
    """Return the numbers of the promises in a value."""
    if isinstance(value, Promise):
        return value.tokens
    parts = value.values if isinstance(value, Items) else ()
    return frozenset().union(*(tokens_of(part) for part in parts if part is not value))


def patterns_of(value: Value) -> Iterator[tuple[str | None, ...]]:
    """Yield the texts that a value can be, each as parts that are None where they are not known."""
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
