"""AwaitStep's entry code: annotated functions, or the body of `fetch`, become exported functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tree_sitter import Node

from workflows.codegen.analysis.code_reader import ENTRY_PATH
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.codegen.text.literals import literal
from workflows.documents.awaitstep.annotations import (
    CONFIG,
    FETCH,
    QUEUE,
    Annotation,
    TooComplex,
    annotations_in,
)
from workflows.documents.awaitstep.display_names import queue_name
from workflows.documents.awaitstep.edits import Edits
from workflows.documents.awaitstep.queue_config import read_config
from workflows.documents.awaitstep.rewrites import Log
from workflows.ir.reading.fields import Code
from workflows.ir.reading.problems import quoted

_UNKNOWN: Final = "is not an annotation that can be imported: write @fetch or @queue"
_BODY: Final = "export async function fetch(request, env, ctx) {{\n{body}\n}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCode:
    """A module that exports the handlers, and the consumers of queues for the deploy settings."""

    code: str
    consumers: list[dict[str, Any]] = field(default_factory=list)


def rewrite_entry_code(source: str, log: Log) -> EntryCode:
    """Return the entry code in our form; a module that exports functions stays as it is."""
    try:
        found = annotations_in(source)
    except TooComplex as error:
        log.refuse("", ENTRY_PATH, str(error))
        return EntryCode(code=source)
    if found:
        return _Annotated(source, found, log).rewrite()
    syntax = _syntax(source)
    if not source.strip() or syntax.export_statements:
        return EntryCode(code=source)
    if syntax.is_broken:
        _refuse_mistakes(syntax, log)
        return EntryCode(code=source)
    log.changed(
        "", ENTRY_PATH, "the body of fetch", "export async function fetch(request, env, ctx)"
    )
    return EntryCode(code=_as_function(syntax))


def _syntax(source: str) -> Syntax:
    return syntax_of(Code(ENTRY_PATH, source, is_expression=False, references=()))


def _refuse_mistakes(syntax: Syntax, log: Log) -> None:
    for mistake in syntax.mistakes():
        log.refuse("", ENTRY_PATH, str(mistake))


def _as_function(syntax: Syntax) -> str:
    """Return the module whose `fetch` has this body; imports stay at the top."""
    imports = "".join(f"{text(node)}\n" for node in syntax.top_imports)
    edits = Edits(syntax)
    for node in syntax.top_imports:
        edits.replace(node, "")
    return imports + _BODY.format(body=edits.result().strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Handler:
    """An annotated function and its name."""

    kind: str
    name: str
    function: Node


class _Annotated:
    """Entry code with annotated functions."""

    def __init__(self, source: str, found: list[Annotation], log: Log) -> None:
        self._source = source
        self._found = found
        self._log = log
        self._syntax = _syntax(self._without_annotations().decode())
        self._edits = Edits(self._syntax)
        self._configs: set[int] = set()
        self._consumers: list[dict[str, Any]] = []

    def _without_annotations(self) -> bytes:
        """Return the code as TypeScript of the same length: `@config {}` becomes `return  {}`."""
        data = bytearray(self._source.encode("utf-8", "replace"))
        for each in self._found:
            instead = b"return" if each.name == CONFIG else b""
            data[each.start : each.end] = instead.ljust(each.end - each.start)
        return bytes(data)

    def rewrite(self) -> EntryCode:
        """Return the module with exports instead of annotations."""
        unknown = [each for each in self._found if each.name not in (FETCH, QUEUE, CONFIG)]
        for each in unknown:
            self._refuse(each.line, f"@{each.name} {_UNKNOWN}")
        if unknown:
            return EntryCode(code=self._source)
        if self._syntax.is_broken:
            _refuse_mistakes(self._syntax, self._log)
            return EntryCode(code=self._source)
        handlers = [handler for each in self._found if (handler := self._handler(each))]
        self._check(handlers)
        for handler in handlers:
            self._make_async(handler)
            if handler.kind == QUEUE:
                self._consume(handler)
        self._refuse_other_configs()
        return EntryCode(code=self._code() + self._exports(handlers), consumers=self._consumers)

    def _refuse(self, line: int, message: str) -> None:
        self._log.refuse("", ENTRY_PATH, f"line {line}, column 1: {message}")

    def _handler(self, annotation: Annotation) -> _Handler | None:
        """Return the function after an annotation."""
        if annotation.name == CONFIG:
            return None
        statements = children_of(self._syntax.tree.root_node)
        following = next((each for each in statements if each.start_byte >= annotation.end), None)
        function = following
        if following is not None and following.type == "export_statement":
            function = following.child_by_field_name("declaration")
        name = function.child_by_field_name("name") if function else None
        is_next = following is not None and not self._between(annotation.end, following.start_byte)
        if not function or not name or function.type != "function_declaration" or not is_next:
            self._refuse(
                annotation.line,
                f"@{annotation.name} must be directly before a function at the top level",
            )
            return None
        return _Handler(kind=annotation.name, name=text(name), function=function)

    def _between(self, start: int, end: int) -> bytes:
        """Return the code between two positions, without comments and blanks."""
        data = bytearray(self._syntax.data)
        for node in self._syntax.tree.root_node.named_children:
            if node.type == "comment":
                data[node.start_byte : node.end_byte] = b" " * (node.end_byte - node.start_byte)
        return bytes(data[start:end]).strip()

    def _check(self, handlers: list[_Handler]) -> None:
        fetches = [each for each in handlers if each.kind == FETCH]
        for each in fetches[1:]:
            self._refuse(_line(each), "there is already a function with @fetch: remove one of them")
        names = [each.name for each in handlers]
        for at, each in enumerate(handlers):
            if each.name in names[:at]:
                self._refuse(
                    _line(each), f"there are two functions {each.name}: rename one of them"
                )

    def _make_async(self, handler: _Handler) -> None:
        start = handler.function.start_byte
        if not any(child.type == "async" for child in handler.function.children):
            self._edits.between(start, start, "async ")

    def _consume(self, handler: _Handler) -> None:
        """Add the consumer of a function with its settings."""
        queue, settings = queue_name(handler.name), self._config(handler)
        self._consumers.append({"queue": queue, **settings})
        shown = ", ".join(f"{key}: {value}" for key, value in settings.items()) or "defaults"
        self._log.changed(
            "", "settings.queueConsumers", f"@queue function {handler.name}", f"{queue} ({shown})"
        )
        if queue != handler.name:
            self._log.warn(
                "",
                ENTRY_PATH,
                f"{handler.name} consumes the queue {quoted(queue)}: change the deploy settings if your queue "
                "has a different name",
            )

    def _config(self, handler: _Handler) -> dict[str, Any]:
        """Return the settings in the first statement of a function, and remove the statement."""
        body = handler.function.child_by_field_name("body")
        first = next(iter(children_of(body)), None)
        if first is None or not self._is_config(first):
            return {}
        self._configs.add(first.start_byte)
        self._remove(first.start_byte, first.end_byte)
        config = read_config(first)
        for problem in config.problems:
            self._refuse(first.start_point[0] + 1, problem)
        return config.settings

    def _is_config(self, statement: Node) -> bool:
        return any(
            each.name == CONFIG and each.start == statement.start_byte for each in self._found
        )

    def _refuse_other_configs(self) -> None:
        """Refuse each `@config` that is not the first statement of a queue's function."""
        for each in self._found:
            if each.name == CONFIG and each.start not in self._configs:
                self._refuse(
                    each.line, "@config must be the first statement of a function with @queue"
                )

    def _remove(self, start: int, end: int) -> None:
        """Remove code and the blanks after it."""
        rest = self._syntax.data[end:]
        self._edits.between(start, end + len(rest) - len(rest.lstrip()), "")

    def _code(self) -> str:
        """Return the code without annotations, in which all handlers are async."""
        for each in self._found:
            if each.name != CONFIG:
                self._remove(each.start, each.end)
        return self._edits.result().rstrip() + "\n"

    def _exports(self, handlers: list[_Handler]) -> str:
        """Return the export of the handlers, and the function that several queues share."""
        names: list[str] = []
        queues = [each for each in handlers if each.kind == QUEUE]
        for kind in (FETCH, QUEUE):
            functions = [each.name for each in handlers if each.kind == kind]
            if functions:
                name = functions[0] if len(functions) == 1 else self._free_name("consume")
                names.append(kind if name == kind else f"{name} as {kind}")
        exports = f"export {{ {', '.join(names)} }};"
        self._log.changed("", ENTRY_PATH, "annotations", exports)
        dispatch = self._dispatch(queues) if len(queues) > 1 else ""
        return f"{dispatch}\n{exports}\n" if names else ""

    def _free_name(self, name: str) -> str:
        while name in self._syntax.names:
            name += "_"
        return name

    def _dispatch(self, queues: list[_Handler]) -> str:
        """Return the function that passes each batch to the function of its queue."""
        cases = "".join(
            f"    case {literal(queue_name(each.name))}:\n      return ({each.name} as any)(...event);\n"
            for each in queues
        )
        return _DISPATCH.format(name=self._free_name("consume"), cases=cases)


_DISPATCH: Final = """
async function {name}(...event: any[]) {{
  switch (event[0].queue) {{
{cases}    default:
      throw new Error(`No function consumes the queue ${{event[0].queue}}.`);
  }}
}}
"""


def _line(handler: _Handler) -> int:
    return handler.function.start_point[0] + 1
