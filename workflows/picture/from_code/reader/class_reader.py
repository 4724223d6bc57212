"""Finds the class of a workflow in the files of its project, and reads its method `run`."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict
from typing import Any, Final

from tree_sitter import Node

from workflows.codegen.syntax.syntax_errors import syntax_error
from workflows.codegen.syntax.tree_nodes import children_of
from workflows.picture.from_code.items import Item, Place, to_json
from workflows.picture.from_code.reader import calls, containers, expressions, statements
from workflows.picture.from_code.reader.concurrency import without_sequences
from workflows.picture.from_code.reader.files import DEFAULT, Project
from workflows.picture.from_code.reader.inlining import region_of_call
from workflows.picture.from_code.reader.members import method
from workflows.picture.from_code.reader.source_text import lines_of, place_of
from workflows.picture.from_code.reader.values import STEP, Class, Fields, Function, Lazy, Value
from workflows.picture.from_code.reader.walk import Handler, Walk

_RECURSION: Final = 20_000
_HANDLERS: Final[Mapping[str, Handler]] = {
    **expressions.HANDLERS,
    **statements.HANDLERS,
    **containers.HANDLERS,
    **calls.HANDLERS,
}


def read_class(
    sources: dict[str, str],
    main: str,
    class_name: str,
    aliases: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Return what a class does as JSON; runs in a separate process."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(_RECURSION)
    try:
        return _read_class(Project(sources, aliases), posixpath.normpath(main), class_name)
    finally:
        sys.setrecursionlimit(limit)


def _read_class(project: Project, main: str, class_name: str) -> dict[str, Any]:
    walk = Walk(project, _HANDLERS)
    run, message = _find_run(walk, main, class_name)
    items: list[Item] = []
    place: Place | None = None
    if run is not None:
        place = place_of(run.node, run.scope.path)
        region, _ = region_of_call(walk, run, [None, STEP])
        items = without_sequences(region.items)
        items = items or [_without_steps(place)]
        _mark_not_awaited(items, region.tokens)
        items += [_rest(place)] if walk.is_exhausted else []
    return {
        "items": to_json(items),
        "place": None if place is None else asdict(place),
        "message": message,
        "problems": list(_problems(project)),
        "is_complete": walk.is_complete,
    }


def _without_steps(place: Place) -> Item:
    return Item(kind="code", name="Code without steps", about=lines_of(place), place=place)


def _rest(place: Place) -> Item:
    return Item(kind="code", name="More code", about="too much to draw here", place=place)


def _mark_not_awaited(items: Iterable[Item], tokens: Set[int]) -> bool:
    """Mark the innermost items that are started without anything that waits for their end."""
    has_marked = False
    for item in items:
        inner = [part for arm in item.arms for part in arm.items]
        is_pending = not item.tokens.isdisjoint(tokens)
        if not _mark_not_awaited(inner, tokens) and is_pending:
            item.about = f"not awaited \u00b7 {item.about}".removesuffix(" \u00b7 ")
        has_marked = has_marked or is_pending
    return has_marked


def _find_run(walk: Walk, main: str, class_name: str) -> tuple[Function | None, str]:
    """Return the method `run` of a class, or why there is none."""
    module = walk.project.module(main)
    if module is None:
        reason = "is too long to read" if walk.project.has(main) else "does not exist"
        return None, f"There is no picture, because {main} {reason}."
    type_ = _find_class(walk, main, class_name)
    if type_ is None and module.is_broken:
        walk.project.repair(main)
        type_ = _find_class(walk, main, class_name)
    if type_ is None:
        return None, f"There is no picture, because {main} exports no class {class_name}."
    run = method(walk, type_, "run", this=Fields(type=type_))
    if not isinstance(run, Function):
        return None, f"There is no picture, because the class {class_name} has no method run."
    return run, ""


def _find_class(walk: Walk, main: str, class_name: str) -> Class | None:
    for name in (class_name, DEFAULT):
        found = walk.project.export(main, name)
        if found is None:
            continue
        module, local = found
        written = module.scope.find(local)
        value = walk.lookup(local, module.scope)
        if not isinstance(value, Class) and isinstance(written, Lazy):
            value = _wrapped_class(walk, written)
        if isinstance(value, Class) and (name == class_name or value.name in ("", class_name)):
            return value
    return None


def _wrapped_class(walk: Walk, written: Lazy) -> Value:
    """Return the class in an argument of a function that adds something to it."""
    for argument in children_of(written.node.child_by_field_name("arguments")):
        with walk.quietly():
            value = walk.visit(argument, written.scope)
        if isinstance(value, Class):
            return value
    return None


def _problems(project: Project) -> Iterator[dict[str, Any]]:
    """Yield the first syntax error of each file that was read."""
    for module in project.parsed:
        if module.is_broken:
            yield _problem(module.root, module.path)


def _problem(root: Node, path: str) -> dict[str, Any]:
    source = root.text or b""
    lines = source.count(b"\n") + 1
    node, message = syntax_error(root, start=0, end=len(source), lines=lines)
    row, column = node.start_point
    return {
        "file": path,
        "line": min(row + 1, lines),
        "column": column + 1,
        "message": message,
    }
