"""The state of reading code: what has been read, where, and how much more may be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import named_nodes, text
from workflows.picture.from_code.items import Await, Entry, Item, is_kept
from workflows.picture.from_code.reader.concurrency import Region, arrange
from workflows.picture.from_code.reader.files import FUNCTIONS, Project
from workflows.picture.from_code.reader.source_text import lines_of, place_of, shown
from workflows.picture.from_code.reader.values import (
    Choice,
    Class,
    Fields,
    Function,
    Imported,
    Items,
    Lazy,
    Namespace,
    Promise,
    Scope,
    Step,
    StepMethod,
    Value,
    tokens_of,
)

MAX_VISITS: Final = 250_000  # nodes of syntax trees
MAX_QUIET_VISITS: Final = 50_000
MAX_ITEMS: Final = 1_500
MAX_DEPTH: Final = 800  # of the syntax tree inside a function, and of functions that call others
MAX_CALLS: Final = 40
MAX_NESTING: Final = 60
_NAMES: Final = frozenset(
    {"identifier", "shorthand_property_identifier", "this", "super", "type_identifier"}
)

Handler = Callable[["Walk", Node, Scope], Value]


@dataclass(slots=True)
class Frame:
    """A function that is being read: the functions among its arguments, and what it returns."""

    function: Function
    arguments: frozenset[int]
    returned: list[Value] = field(default_factory=list)


class Walk:
    """Reads code in the order in which it is written; `handlers` read each type of syntax node."""

    def __init__(self, project: Project, handlers: Mapping[str, Handler]) -> None:
        self.project = project
        self.frames: list[Frame] = []
        self.is_complete = True
        self.entries: list[Entry] = []
        self._handlers = handlers
        self._visits = MAX_VISITS
        self._quiet_visits = MAX_QUIET_VISITS
        self._items = MAX_ITEMS
        self._depth = 0
        self._nesting = 0
        self._tokens = 0
        self._is_quiet = False
        self._names: dict[tuple[str, int, int], frozenset[str]] = {}
        self._checked: set[tuple[str, int]] = set()

    @property
    def is_exhausted(self) -> bool:
        """Whether there was more code than may be read."""
        return self._visits <= 0 or self._items < 0

    # -- reading -------------------------------------------------------------------------------

    def visit(self, node: Node | None, scope: Scope) -> Value:
        """Read a statement or an expression; return what is known about its value."""
        if node is None:
            return None
        if not self._may_read():
            return None
        if self._depth >= MAX_DEPTH:
            self._refuse(node, scope)
            return None
        self._depth += 1
        try:
            return self._handlers.get(node.type, _visit_parts)(self, node, scope)
        finally:
            self._depth -= 1

    def _may_read(self) -> bool:
        """Count a node; what is read only for its value has a limit of its own, and may stay unknown."""
        if self._is_quiet:
            self._quiet_visits -= 1
            return self._quiet_visits >= 0
        self._visits -= 1
        self.is_complete = self.is_complete and self._visits >= 0
        return self._visits >= 0

    def visit_all(self, nodes: Sequence[Node], scope: Scope) -> list[Value]:
        return [self.visit(node, scope) for node in nodes]

    def _refuse(self, node: Node, scope: Scope) -> None:
        """Draw code that is nested too deeply as such, if it uses the step object or is a function."""
        self.is_complete = False
        if node.type in FUNCTIONS or self.uses_step(node, scope):
            self.add_code(node, scope)

    # -- what is drawn -------------------------------------------------------------------------

    def add(self, item: Item) -> None:
        """Add an item, unless there are too many or it would not show anything."""
        if not is_kept(item):
            return
        self._items -= 0 if self._is_quiet else 1
        if self._items < 0 and not item.arms:
            self.is_complete = False
            self._visits = 0
            return
        self.entries.append(item)

    def wait_for(self, value: Value, node: Node, scope: Scope) -> Value:
        """Wait for the promises in a value; return what they resolve to."""
        tokens = tokens_of(value)
        if tokens:
            how = value.how if isinstance(value, Promise) else ""
            self.entries.append(Await(tokens=tokens, how=how, place=place_of(node, scope.path)))
        return value.result if isinstance(value, Promise) else value

    def add_code(self, node: Node, scope: Scope) -> None:
        """Add a box for code whose effect is not known."""
        place = place_of(node, scope.path)
        self.add(Item(kind="code", name=shown(node), about=lines_of(place), place=place))

    def new_token(self) -> int:
        self._tokens += 1
        return self._tokens

    def region(self, *nodes: Node | None, scope: Scope) -> Region:
        """Read nodes one after another, and return what they do instead of adding it."""
        present = [node for node in nodes if node is not None]
        return self.collect(lambda: self.visit_all(present, scope), present, scope)

    def collect(self, read: Callable[[], object], nodes: Sequence[Node], scope: Scope) -> Region:
        """Return what is added by a call, which reads these nodes, instead of adding it here."""
        outer, self.entries = self.entries, []
        self._nesting += 1
        try:
            if self._nesting <= MAX_NESTING:
                read()
            else:
                for node in nodes:
                    self._refuse(node, scope)
            return arrange(self.entries)
        finally:
            self.entries = outer
            self._nesting -= 1

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Read code only for its value."""
        outer, self.entries = self.entries, []
        was_quiet, self._is_quiet = self._is_quiet, True
        try:
            yield
        finally:
            self.entries, self._is_quiet = outer, was_quiet

    # -- values --------------------------------------------------------------------------------

    def lookup(self, name: str, scope: Scope) -> Value:
        """Return the value of a name."""
        value = scope.find(name)
        if isinstance(value, Lazy):
            scope.assign(name, None)  # in case that it depends on itself
            with self.quietly():
                value = value.scope.lasting(name, self.visit(value.node, value.scope))
            scope.assign(name, value)
        if isinstance(value, Imported):
            scope.assign(name, None)
            value = self.imported(value)
            scope.assign(name, value)
        return value

    def imported(self, value: Imported) -> Value:
        """Return the value that another module exports."""
        path = self.project.resolve(value.importer, value.specifier)
        if value.name == "*":
            return Namespace(path) if path else None
        return self.exported(path, value.name)

    def exported(self, path: str, name: str) -> Value:
        """Return what a module exports under a name."""
        found = self.project.export(path, name) if path else None
        return self.lookup(found[1], found[0].scope) if found else None

    def carries(self, value: Value) -> bool:
        """Whether a value gives access to the step object."""
        match value:
            case Step() | StepMethod():
                return True
            case Fields(names=names):
                return self._any_carries(value, [*names.values()])
            case Items(values=values):
                return self._any_carries(value, values)
            case Choice(values=values):
                return any(self.carries(part) for _, part in values)
            case Function(node=node, scope=scope):
                return self._function_carries(value, node, scope)
        return False

    def _any_carries(self, holder: object, values: Sequence[Value]) -> bool:
        with self._checking(("value", id(holder))) as is_new:
            return is_new and any(map(self.carries, values))

    def _function_carries(self, value: Function, node: Node, scope: Scope) -> bool:
        with self._checking((scope.path, node.id)) as is_new:
            if not is_new:
                return False
            is_method = value.this is not None and self.carries(value.this)
            return (is_method and "this" in self._names_in(node, scope)) or self.uses_step(
                node, scope
            )

    @contextmanager
    def _checking(self, key: tuple[str, int]) -> Iterator[bool]:
        """Yield whether the value is not being checked already, as part of itself."""
        is_new = key not in self._checked
        self._checked.add(key)
        try:
            yield is_new
        finally:
            if is_new:
                self._checked.discard(key)

    def uses_step(self, node: Node, scope: Scope) -> bool:
        """Whether code mentions a name that gives access to the step object."""
        for name in self._names_in(node, scope):
            if not self._may_read():
                return False
            value = scope.this if name == "this" else self.lookup(name, scope)
            if self.carries(value):
                return True
        return False

    def _names_in(self, node: Node, scope: Scope) -> frozenset[str]:
        key = scope.path, node.start_byte, node.end_byte
        if key not in self._names:
            found = [part for part in named_nodes(node) if part.type in _NAMES]
            self._visits -= len(found)
            self._names[key] = frozenset(map(text, found))
        return self._names[key]

    def class_of(self, name: str, scope: Scope) -> Class | None:
        value = self.lookup(name, scope)
        return value if isinstance(value, Class) else None


def _visit_parts(walk: Walk, node: Node, scope: Scope) -> None:
    """Read code of a type without a meaning of its own."""
    walk.visit_all(node.named_children, scope)
