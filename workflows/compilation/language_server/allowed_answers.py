"""Filters the language server's answers: browsers learn nothing about files, paths and generated code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from toolchain.node_tools import MODULES
from workflows.compilation.language_server.plain_markdown import plain

MAX_ITEMS: Final = 500
_MAX_TEXT: Final = 4_000
_FILES: Final = frozenset({17, 19})  # the kinds of items that are files and folders
_IMPORTED: Final = re.compile(r'import\("[^"]*"\)(?:\.default\b)?\.?')
_ADDRESS: Final = re.compile(r"file://[^\s\"')]*")
_PATH: Final = re.compile(r"(?<![\w.:/])(?:/[\w.@+-]+){2,}|[A-Za-z]:[\\/][^\s\"')]*")
_MODULE_NAME: Final = re.compile(r"""\b(?:from|import|require)\s*\(?\s*(["'])([^"'\n]*)$""")
_KEPT: Final[tuple[str, ...]] = ("label", "kind", "sortText", "filterText", "insertText")
_DIRECTIVE: Final = re.compile(r"^\s*///\s*<")
# What every workflow can import besides its packages.
_MODULES: Final = (
    "cloudflare:email",
    "cloudflare:sockets",
    "cloudflare:workers",
    "cloudflare:workflows",
    "node:assert",
    "node:buffer",
    "node:crypto",
    "node:events",
    "node:path",
    "node:stream",
    "node:url",
    "node:util",
    "node:zlib",
)


def without_paths(text: str) -> str:
    """Return a text for the browser, of limited length, without the paths of files."""
    cut = _IMPORTED.sub("", text[: 4 * _MAX_TEXT])
    cut = _ADDRESS.sub("", cut).replace(str(MODULES), "")
    return _PATH.sub("", cut)[:_MAX_TEXT]


def plain_text(content: Any) -> str:
    """Return documentation in any of the protocol's forms as plain text."""
    if isinstance(content, list):
        return "\n\n".join(filter(None, map(plain_text, content)))
    text = content.get("value", "") if isinstance(content, dict) else content
    return plain(without_paths(text)) if isinstance(text, str) else ""


def allowed(
    found: list[dict[str, Any]], *, hidden: Collection[str], visible: Collection[str]
) -> list[dict[str, Any]]:
    """Return completion items without files and without `hidden` names that are not `visible`.

    No others may be described either: the description of a file has its name.
    """
    secret = frozenset(hidden) - frozenset(visible)
    return [
        item for item in found if item.get("kind") not in _FILES and item.get("label") not in secret
    ]


def items(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what a browser gets of each item; `number` is its position."""
    for number, item in enumerate(found):
        kept = {key: item[key] for key in _KEPT if key in item}
        if isinstance(item.get("detail"), str):
            kept["detail"] = without_paths(item["detail"])[:200]
        yield {**kept, "number": number}


def module_names(line: str, dependencies: Collection[str]) -> tuple[str, list[str]] | None:
    """Return the start of a module's name at the end of a line, and the names that complete it.

    The language server itself would offer the files of this machine.
    """
    if _DIRECTIVE.match(line):
        return "", []
    match = _MODULE_NAME.search(line)
    return (match[2], [*dependencies, *_MODULES]) if match else None


def signatures(answer: dict[str, Any]) -> dict[str, Any]:
    """Return signature help in plain text."""
    return {
        "signatures": [_signature(each) for each in answer.get("signatures", [])[:20]],
        "activeSignature": answer.get("activeSignature") or 0,
        "activeParameter": answer.get("activeParameter") or 0,
    }


def _signature(signature: dict[str, Any]) -> dict[str, Any]:
    parameters = signature.get("parameters") or []
    labels = [part.get("label") for part in parameters]
    kept: dict[str, Any] = {
        "label": without_paths(signature.get("label", "")),
        "parameters": [
            {"label": without_paths(label)} for label in labels if isinstance(label, str)
        ],
    }
    if documentation := plain_text(signature.get("documentation")):
        kept["documentation"] = documentation
    if signature.get("activeParameter") is not None:
        kept["activeParameter"] = signature["activeParameter"]
    return kept
