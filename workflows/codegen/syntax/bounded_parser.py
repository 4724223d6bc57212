"""Parses code of any origin without blocking this process: the only way to make a `Syntax`.

The time to parse broken code is quadratic in its length, and parsing holds the GIL: 100,000
exclamation marks would stop every page for 12 seconds. Code that is longer than a few lines is
therefore parsed in a separate process first, which is killed after a second of CPU time;
only code that has proved valid and flat enough is then parsed here as well.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from tree_sitter import Tree

from toolchain import bounded_calls
from workflows.codegen.syntax.parser import Mistake, Syntax
from workflows.ir.reading.fields import Code
from workflows.ir.reading.references import Reference

MAX_CODE: Final = 250_000  # bytes
MAX_DEPTH: Final = 1_000  # of the syntax tree
_MAX_BRACKETS: Final = MAX_DEPTH // 2  # in broken code, whose tree may not show its depth
_SHORT: Final = 500  # bytes: too short to be slow to parse
_SECONDS: Final = 1.0  # of CPU time; valid code of the maximum size takes a tenth
_CHUNK: Final = 100_000  # bytes that are inspected in one call
_REMEMBERED: Final = 10_000

_TOO_LONG: Final = f"is longer than {MAX_CODE // 1000} KB: split it"
_TOO_DEEP: Final = f"is nested more than {MAX_DEPTH:,} levels deep: split it into statements"
_TOO_SLOW: Final = "takes too long to parse: split it into shorter and simpler parts"
_TOO_COMPLEX: Final = frozenset({_TOO_LONG, _TOO_DEEP, _TOO_SLOW})
_BRACKET: Final = re.compile(r"[(\[{)\]}]")

_known: OrderedDict[bytes, tuple[Mistake, ...]] = OrderedDict()
_lock = threading.Lock()


def syntax_of(code: Code) -> Syntax:
    """Return the syntax tree of the code; an empty one with mistakes if it cannot be parsed here."""
    refused = _refusals(code)
    return Syntax(code, refused=refused)


def is_too_complex(syntax: Syntax) -> bool:
    """Whether the code was refused for its length or depth, which would keep any other parser busy too."""
    return any(mistake.message in _TOO_COMPLEX for mistake in syntax.refused)


def inspect(codes: Iterable[Code]) -> None:
    """Inspect many pieces of code together, which is faster than one by one in `syntax_of`."""
    chunk: list[Code] = []
    size = 0
    for code in codes:
        if _needs_inspection(code) and _key(code) not in _known:
            chunk.append(code)
            size += len(code.source)
        if size > _CHUNK:
            _inspect(chunk)
            chunk, size = [], 0
    if chunk:
        _inspect(chunk)


def _refusals(code: Code) -> tuple[Mistake, ...]:
    if _size(code) > MAX_CODE:
        return (_whole(_TOO_LONG),)
    if not _needs_inspection(code):
        return ()
    known = _known.get(_key(code))
    return _inspect([code])[0] if known is None else known


def _needs_inspection(code: Code) -> bool:
    return _SHORT < _size(code) <= MAX_CODE


def _size(code: Code) -> int:
    """Return the length in bytes."""
    return len(code.source) if code.source.isascii() else len(_encoded(code))


def _inspect(codes: Sequence[Code]) -> list[tuple[Mistake, ...]]:
    """Inspect the pieces of code together, or one by one if that takes too long."""
    try:
        found = bounded_calls.call(
            mistakes_in, [_request(code) for code in codes], seconds=_SECONDS
        )
    except bounded_calls.TookTooLong:
        if len(codes) > 1:
            return [_inspect([code])[0] for code in codes]
        return [_remember(codes[0], (_whole(_TOO_SLOW),))]
    mistakes = [tuple(Mistake(**mistake) for mistake in one) for one in found]
    return [_remember(code, one) for code, one in zip(codes, mistakes, strict=True)]


def _remember(code: Code, mistakes: tuple[Mistake, ...]) -> tuple[Mistake, ...]:
    with _lock:
        _known[_key(code)] = mistakes
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)
    return mistakes


def _key(code: Code) -> bytes:
    """Return a key for the text that is parsed and the positions of its references."""
    spans = [(reference.start, reference.end) for reference in code.references]
    digest = hashlib.blake2b(repr((code.is_expression, spans)).encode(), digest_size=16)
    digest.update(_encoded(code))
    return digest.digest()


def _encoded(code: Code) -> bytes:
    return code.source.encode("utf-8", "surrogatepass")


def _whole(message: str) -> Mistake:
    return Mistake(line=1, column=1, message=message)


def _request(code: Code) -> dict[str, Any]:
    spans = [(reference.start, reference.end) for reference in code.references]
    return {"source": code.source, "is_expression": code.is_expression, "spans": spans}


def mistakes_in(requests: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the mistakes in each piece of code; runs in a separate process."""
    return [_mistakes_in(request) for request in requests]


def _mistakes_in(request: dict[str, Any]) -> list[dict[str, Any]]:
    references = [
        Reference(root="", path=(), start=start, end=end) for start, end in request["spans"]
    ]
    code = Code("", request["source"], request["is_expression"], tuple(references))
    syntax = Syntax(code)
    mistakes = syntax.mistakes()
    if is_deeper_than(syntax.tree, MAX_DEPTH) or (mistakes and _has_too_many_open(code.source)):
        mistakes = [_whole(_TOO_DEEP)]
    return [
        {"line": mistake.line, "column": mistake.column, "message": mistake.message}
        for mistake in mistakes
    ]


def _has_too_many_open(source: str) -> bool:
    """Whether too many brackets are open at the same time; those in strings count as well."""
    depth = 0
    for match in _BRACKET.finditer(source):
        depth = depth + 1 if match[0] in "([{" else max(depth - 1, 0)
        if depth > _MAX_BRACKETS:
            return True
    return False


def is_deeper_than(tree: Tree, limit: int) -> bool:
    """Whether nodes of the tree are nested deeper than the limit."""
    cursor, depth = tree.walk(), 0
    while True:
        if cursor.goto_first_child():
            depth += 1
            if depth > limit:
                return True
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return False
            depth -= 1
