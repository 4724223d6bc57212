"""The part of the Language Server Protocol that browsers can use: an allow-list of messages on fields."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server.module_document import Fields, FieldText, Spot
from workflows.compilation.language_server.positions import Lines
from workflows.compilation.language_server.server_session import ServerSession, Unavailable
from workflows.ir.reading.identifiers import is_identifier

MAX_FIELD: Final = 50_000  # characters; longer code has no completion
MAX_FIELDS: Final = 200
_SCHEME: Final = "node:/"
_TEXT: Final = frozenset({"json", "text"})
_EXPRESSION: Final = "expression"
_FULL_SYNC: Final = 1
NOT_AVAILABLE: Final = "Completion is not available right now."
NOT_FOUND: Final = -32601
INVALID: Final = -32602
FAILED: Final = -32803

CAPABILITIES: Final[Mapping[str, Any]] = {
    "textDocumentSync": {"openClose": True, "change": _FULL_SYNC},
    "completionProvider": {
        "triggerCharacters": [".", '"', "'", "`", "{"],
        "resolveProvider": True,
    },
    "hoverProvider": True,
    "signatureHelpProvider": {"triggerCharacters": ["(", ","], "retriggerCharacters": [")"]},
    "definitionProvider": True,
    "renameProvider": True,
}


class Refused(Exception):
    """A message that is not allowed or not valid; `code` is an error code of the protocol."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def address_of(key: SlotKey) -> str:
    """Return the address of a field's virtual document."""
    return f"{_SCHEME}{quote(key[0], safe='')}/{quote(key[1], safe='')}"


def key_of(address: object) -> SlotKey:
    """Return the node and the field of an address; raises Refused."""
    if isinstance(address, str) and address.startswith(_SCHEME) and len(address) < 2_000:
        node_id, slash, path = address.removeprefix(_SCHEME).partition("/")
        if slash and path and "/" not in path:
            return unquote(node_id), unquote(path)
    raise Refused(INVALID, "only the fields of the workflow can be opened")


@dataclass(frozen=True, slots=True)
class Documents:
    """The kind of documents that a page can open: their addresses, and what it can ask about them."""

    key_of: Callable[[object], SlotKey]
    address_of: Callable[[SlotKey], str]
    capabilities: Mapping[str, Any]


FIELDS: Final = Documents(key_of, address_of, CAPABILITIES)


@dataclass(slots=True)
class Editor:
    """The open fields of one browser page, the page's numbers for their texts, and whose page it is."""

    session: ServerSession
    author: object = None
    texts: dict[SlotKey, FieldText] = field(default_factory=dict)
    versions: dict[SlotKey, int] = field(default_factory=dict)
    documents: Documents = FIELDS

    def notify(self, method: str, params: Mapping[str, Any]) -> bool:
        """Handle a notification; return whether a text has changed. Raises Refused."""
        match method:
            case "textDocument/didOpen":
                document = _object(params, "textDocument")
                self._open(self.documents.key_of(document.get("uri")), document)
                self._count(document)
            case "textDocument/didChange":
                document = _object(params, "textDocument")
                self._change(self.documents.key_of(document.get("uri")), params)
                self._count(document)
            case "textDocument/didClose":
                document = _object(params, "textDocument")
                self.texts.pop(self.documents.key_of(document.get("uri")), None)
                return False
            case _:
                return False
        return True

    def _count(self, document: Mapping[str, Any]) -> None:
        key, version = self.documents.key_of(document.get("uri")), document.get("version")
        self.versions.pop(key, None)
        if type(version) is int:
            self.versions[key] = version

    def _open(self, key: SlotKey, document: Mapping[str, Any]) -> None:
        language = str(document.get("languageId"))
        if key not in self.texts and len(self.texts) >= MAX_FIELDS:
            raise Refused(INVALID, f"at most {MAX_FIELDS} fields can be open at the same time")
        self.texts[key] = FieldText(
            self._text(key, document.get("text")),
            is_expression=language == _EXPRESSION,
            is_text=language in _TEXT,
        )

    def _change(self, key: SlotKey, params: Mapping[str, Any]) -> None:
        known, changes = self.texts.get(key), params.get("contentChanges")
        if known is None or not isinstance(changes, list) or not changes:
            raise Refused(INVALID, "the field is not open")
        last = changes[-1]
        if not isinstance(last, dict) or "range" in last:
            raise Refused(INVALID, "the change must contain the whole text")
        self.texts[key] = FieldText(
            self._text(key, last.get("text")),
            is_expression=known.is_expression,
            is_text=known.is_text,
        )

    def _text(self, key: SlotKey, value: object) -> str:
        """Return the text of a field; a field with too much text is closed."""
        if not isinstance(value, str):
            raise Refused(INVALID, "the text is missing")
        if len(value) > MAX_FIELD:
            self.texts.pop(key, None)
            raise Refused(INVALID, f"code of more than {MAX_FIELD:,} characters has no completion")
        return value

    async def answer(self, method: str, params: Mapping[str, Any]) -> Any:
        """Return the result of a request; raises Refused."""
        if method == "initialize":
            return {
                "capabilities": self.documents.capabilities,
                "serverInfo": {"name": "AwaitStep"},
            }
        if method == "completionItem/resolve":
            return await self._resolve(params)
        handler = _REQUESTS.get(method)
        if handler is None:
            raise Refused(NOT_FOUND, f"{method[:80]} is not supported")
        fields, lines, offset = self._place(params)
        if fields.texts[fields.key].is_text and method != "textDocument/completion":
            return None
        try:
            return await handler(self, _Request(fields, lines, offset, params))
        except Unavailable:
            raise Refused(FAILED, NOT_AVAILABLE) from None

    def _place(self, params: Mapping[str, Any]) -> tuple[Fields, Lines, int]:
        key = self.documents.key_of(_object(params, "textDocument").get("uri"))
        if key not in self.texts:
            raise Refused(INVALID, "the field is not open")
        lines = Lines(self.texts[key].source)
        position = _object(params, "position")
        numbers = {part: position.get(part) for part in ("line", "character")}
        if not all(type(number) is int and number >= 0 for number in numbers.values()):
            raise Refused(INVALID, "a position must have a line and a character")
        return Fields(dict(self.texts), key, self.author), lines, lines.offset(numbers)  # type: ignore[arg-type]

    async def _resolve(self, item: Mapping[str, Any]) -> dict[str, Any]:
        data = item.get("data")
        data = data if isinstance(data, dict) else {}
        list_, number = data.get("list"), data.get("number")
        kept = {key: item[key] for key in ("label", "kind") if key in item}
        if not (isinstance(list_, int) and isinstance(number, int)):
            return kept
        try:
            found = await self.session.describe(list_, number, self.author)
        except Unavailable:
            found = None
        return {**kept, **(found or {})}

    async def diagnostics(self) -> dict[SlotKey, list[dict[str, Any]]]:
        """Return the diagnostics of all open fields; raises Unavailable."""
        return await self.session.problems(dict(self.texts), self.author)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request about a position in a field."""

    fields: Fields
    lines: Lines
    offset: int
    params: Mapping[str, Any]


async def _completion(editor: Editor, request: _Request) -> Any:
    found = await editor.session.completion(request.fields, request.offset)
    if found is None:
        return None
    for item in found["items"]:
        if "number" in item:
            item["data"] = {"list": found.get("list", 0), "number": item.pop("number")}
    return {
        "isIncomplete": found["is_incomplete"],
        "itemDefaults": {"editRange": request.lines.range(found["start"], found["end"])},
        "items": found["items"],
    }


async def _hover(editor: Editor, request: _Request) -> Any:
    found = await editor.session.hover(request.fields, request.offset)
    if found is None:
        return None
    contents = {"kind": "plaintext", "value": found["text"]}
    return {"contents": contents, "range": request.lines.range(found["start"], found["end"])}


async def _signature_help(editor: Editor, request: _Request) -> Any:
    return await editor.session.signature_help(request.fields, request.offset)


async def _definition(editor: Editor, request: _Request) -> Any:
    spot = await editor.session.definition(request.fields, request.offset)
    if spot is None:
        return None
    if spot.position is None:
        return _location(spot, request)
    range_ = {"start": spot.position, "end": spot.position}
    return {"uri": editor.documents.address_of(spot.key), "range": range_}


def _location(spot: Spot, request: _Request) -> dict[str, Any]:
    """Return a location in an open field, or the node that contains the declaration."""
    text = request.fields.texts.get(spot.key)
    lines = Lines(text.source if text else "")
    offset = spot.offset if text else 0
    key = spot.key if spot.key[1] else (spot.key[0], "node")
    return {"uri": address_of(key), "range": lines.range(offset, offset)}


async def _rename(editor: Editor, request: _Request) -> Any:
    name = request.params.get("newName")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise Refused(INVALID, "a name is missing")
    if not is_identifier(name):
        raise Refused(FAILED, "This cannot be a name in code.")
    edits = await editor.session.rename(request.fields, request.offset, name)
    if edits is None:
        raise Refused(FAILED, "Only names that this code declares can be renamed here.")
    changes = [
        {"range": request.lines.range(edit["start"], edit["end"]), "newText": edit["text"]}
        for edit in edits
    ]
    return {"changes": {address_of(request.fields.key): changes}}


_REQUESTS: Final[Mapping[str, Callable[[Editor, _Request], Awaitable[Any]]]] = {
    "textDocument/completion": _completion,
    "textDocument/hover": _hover,
    "textDocument/signatureHelp": _signature_help,
    "textDocument/definition": _definition,
    "textDocument/rename": _rename,
}


def read_message(text: str) -> dict[str, Any]:
    """Return a message of the protocol; raises Refused."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(INVALID, "the message is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise Refused(INVALID, "the message has no method")
    if not isinstance(message.get("params", {}), dict):
        raise Refused(INVALID, "the parameters must be an object")
    return message


def _object(params: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = params.get(key)
    if not isinstance(value, dict):
        raise Refused(INVALID, f"{key} is missing")
    return value
