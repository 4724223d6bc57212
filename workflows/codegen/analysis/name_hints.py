"""Hints for messages about unknown names and properties in code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from workflows.codegen.analysis.code_reader import CodeKey
from workflows.codegen.syntax.parser import Syntax
from workflows.ir.document.model import Node
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.problems import Problem, quoted

_UNKNOWN_NAME: Final = re.compile(
    r"(?:Cannot find name|No value exists in scope for the shorthand property) '([^']+)'"
)
_NO_PROPERTY: Final = re.compile(
    r"Property '([^']+)' does not exist on type '(WorkflowStepEvent|HttpResponse)\b"
)
_CONTENTS: Final = {
    "WorkflowStepEvent": ("an event", "payload"),
    "HttpResponse": ("a response", "body"),
}
_NOT_IN_A_NAME: Final = re.compile(r"[\W_]+")
_MIN_LENGTH: Final = 3  # shorter names of nodes are found in any code


def hint(message: str, nodes: Iterable[Node], variables: Mapping[str, str]) -> str:
    """Return a hint for an unknown name in a compiler message: the variable of the node it probably means.

    For an unknown property of an event or a response, the hint says where the content is.
    """
    if missing := _NO_PROPERTY.search(message):
        whole, part = _CONTENTS[missing[2]]
        return f"content of {whole} is in its `{part}`: write `.{part}.{missing[1]}` instead"
    match = _UNKNOWN_NAME.search(message)
    if match and match[1] == "_output":
        return "output of a step is what its code returns: write `return` instead"
    if match and match[1] == "trigger":
        return "payload of the run is called `event.payload` in code"
    for node in nodes if match else ():
        if match and _may_mean(match[1], node) and node.type.output is not None:
            return _called(node, variables[node.id])
    return ""


def hint_in_code(source: str, nodes: Iterable[Node], variables: Mapping[str, str]) -> str:
    """Return a hint for broken code that has a node's name or id where it is not a valid variable."""
    for node in nodes:
        texts = [text for text in (node.id, node.name) if len(text) >= _MIN_LENGTH]
        is_there = any(not is_identifier(text) and text in source for text in texts)
        if is_there and node.type.output is not None:
            return _called(node, variables[node.id])
    return ""


def with_hints(
    problems: Iterable[Problem],
    nodes: Collection[Node],
    variables: Mapping[str, str],
    syntaxes: Mapping[CodeKey, Syntax],
) -> Iterator[Problem]:
    """Add the variable of a node to syntax errors in code that contains the node's name."""
    by_path = {(id_, f"nodes.{id_}.{path}"): syntax for (id_, path), syntax in syntaxes.items()}
    for problem in problems:
        syntax = by_path.get((problem.node_id, problem.path))
        is_broken = syntax is not None and syntax.tree.root_node.has_error
        found = hint_in_code(syntax.code.source, nodes, variables) if syntax and is_broken else ""
        yield replace(problem, message=f"{problem.message}; {found}") if found else problem


def _called(node: Node, variable: str) -> str:
    label = quoted(node.id) if node.id == node.name else f"{quoted(node.name)} ({quoted(node.id)})"
    return f"node {label} is called {variable} in code"


def _may_mean(name: str, node: Node) -> bool:
    texts = (node.id, node.name)
    if any(_plain(name) == _plain(text) for text in texts):
        return True
    first_words = (re.split(r"[^\w$]", text)[0] for text in texts if not is_identifier(text))
    return name in first_words


def _plain(text: str) -> str:
    return _NOT_IN_A_NAME.sub("", text).casefold()
