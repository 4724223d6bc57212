"""The language server of one draft, and its answers about the draft's fields."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server import allowed_answers, completion_order, references
from workflows.compilation.language_server.draft_module import DraftModule
from workflows.compilation.language_server.field_code import parsed
from workflows.compilation.language_server.field_problems import Complaints, problems_of
from workflows.compilation.language_server.module_document import (
    Fields,
    FieldText,
    ModuleDocument,
    Spot,
)
from workflows.compilation.language_server.positions import Lines
from workflows.compilation.language_server.server_process import ServerFailed
from workflows.compilation.language_server.server_session import (
    ServerSession,
    Unavailable,
    completion_answer,
    items_of,
    suspects,
    word_length,
)
from workflows.compilation.typescript import write_project

_NAME: Final = "worker.ts"
_PARSING_SECONDS: Final = 0.1  # of a turn, plus the time for the code that is being parsed then


class Drafts(Protocol):
    """Where the session gets its draft from; `revision` changes whenever the draft does."""

    async def revision(self) -> str: ...
    async def load(self) -> DraftModule: ...


@dataclass(slots=True)
class _Shared:
    """The last complaints about the module of an editor, which count for all fields while it is the same."""

    text: str = ""
    complaints: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Session(ServerSession):
    """The session of a draft with nodes, whose code is in one module."""

    drafts: Drafts
    _document: ModuleDocument | None = None
    _has_tree: bool = False
    _uri: str = ""
    _version: int = 0

    async def _parse(self, texts: Mapping[SlotKey, FieldText], author: object) -> None:
        """Parse what was typed before it is the author's turn, so that nobody else waits for it."""
        if self._document is not None:
            texts = dict(self._document.typed_code(texts))
        await self._parse_in_turns(texts, author)

    async def _parse_in_turns(self, texts: Mapping[SlotKey, FieldText], author: object) -> None:
        codes = [(key[1], text) for key, text in texts.items() if not text.is_text]
        while codes:
            async with self.threads.of(author):
                codes = await asyncio.to_thread(_parse_some, codes)

    async def completion(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return completion items for a position in a field, with the offsets that they replace."""
        await self._parse(fields.texts, fields.author)
        async with self._turn(fields.author):
            document = await self._current()
            written = references.reference_at(fields.source, offset)
            if written:
                return await self._reference(document, fields, written, offset)
            if not _is_code(fields):
                return None
            line = Lines(fields.source).line_before(offset)
            named = allowed_answers.module_names(line, document.module.dependencies)
            if named:
                items = [{"label": name, "kind": 9} for name in named[1]]
                return completion_answer(items, offset - len(named[0]), offset)
            await self._show(document, fields)
            found = await self._at(document, fields.key, offset, "textDocument/completion")
            list_ = self._listed(
                allowed_answers.allowed(
                    items_of(found),
                    hidden=document.module.hidden,
                    visible=document.visible_names(fields.key),
                )
            )
            start = offset - word_length(fields.source, offset)
            word = fields.source[start:offset]
            names = document.module.names(*fields.key)
            found = completion_order.ordered(
                allowed_answers.items(self._items),
                word=word,
                outputs=names.outputs.values() if names else (),
            )
            if not line[: len(line) - len(word)].endswith("."):
                found += completion_order.paths(document.module, fields.key, self._items)
                found.sort(key=lambda item: item["sortText"])
            answer = completion_answer(found, start, offset)
            has_more = answer["is_incomplete"] or completion_order.is_incomplete(word)
            return {**answer, "is_incomplete": has_more, "list": list_}

    async def _reference(
        self,
        document: ModuleDocument,
        fields: Fields,
        written: references.WrittenReference,
        offset: int,
    ) -> dict[str, Any] | None:
        """Complete a reference: a name, or a part of the value before the last dot."""
        node_id, start = fields.key[0], offset - len(written.last)
        if not written.base:
            return completion_answer(
                list(references.names(document.module, fields.key)), start, offset
            )
        expression = references.expression(written.base, document.module, fields.key)
        if not expression or not document.has((node_id, "")):
            return None
        probe = node_id, f"{expression}."
        await self._change(
            await self._compute(partial(document.show, fields.texts, None, probe=probe))
        )
        position = document.lines.position(document.probe_end(node_id))
        found = await self._ask("textDocument/completion", {"position": position})
        return completion_answer(list(references.parts(items_of(found))), start, offset)

    async def hover(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return the type and the documentation of a name, and its offsets."""
        await self._parse(fields.texts, fields.author)
        async with self._turn(fields.author):
            document = await self._shown(fields)
            found = await self._at(document, fields.key, offset, "textDocument/hover")
            text = allowed_answers.plain_text(found["contents"]) if found else ""
            if not text:
                return None
            span = self._span(document, fields.key, found.get("range"))
            start, end = span if span else (offset, offset)
            return {"text": text, "start": start, "end": end}

    async def signature_help(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return the signatures of the function whose arguments are being written."""
        await self._parse(fields.texts, fields.author)
        async with self._turn(fields.author):
            document = await self._shown(fields)
            found = await self._at(document, fields.key, offset, "textDocument/signatureHelp")
            return allowed_answers.signatures(found) if found else None

    async def definition(self, fields: Fields, offset: int) -> Spot | None:
        """Return where a name is declared: in this field, in another one, or by a node (offset 0)."""
        await self._parse(fields.texts, fields.author)
        async with self._turn(fields.author):
            document = await self._shown(fields)
            found = await self._at(document, fields.key, offset, "textDocument/definition")
            for each in found if isinstance(found, list) else [found] if found else []:
                if each.get("uri") == self._uri:
                    return self._declaration(document, each["range"])
            return None

    def _declaration(self, document: ModuleDocument, range_: dict[str, Any]) -> Spot | None:
        start, end = (document.lines.offset(range_[part]) for part in ("start", "end"))
        spot = document.spot(start)
        if spot:
            return spot
        node_id = document.node_of(document.text[start:end])
        return Spot((node_id, ""), 0) if node_id else None

    async def rename(self, fields: Fields, offset: int, name: str) -> list[dict[str, Any]] | None:
        """Return the edits that rename a name of this field; None if it is declared elsewhere."""
        await self._parse(fields.texts, fields.author)
        async with self._turn(fields.author):
            document = await self._shown(fields)
            position = self._position(document, fields.key, offset)
            if position is None:
                return None
            found = await self._ask("textDocument/rename", {"position": position, "newName": name})
            changes = (found or {}).get("changes") or {}
            if set(changes) != {self._uri}:
                return None
            edits = []
            for edit in changes[self._uri]:
                span = self._span(document, fields.key, edit["range"])
                if span is None:
                    return None
                edits.append({"start": span[0], "end": span[1], "text": edit["newText"]})
            return edits

    async def problems(
        self, texts: Mapping[SlotKey, FieldText], author: object = None
    ) -> dict[SlotKey, list[dict[str, Any]]]:
        """Return the diagnostics of each field of an editor."""
        await self._parse(texts, author)
        async with self._turn(author):
            await self._current()
        found: dict[SlotKey, list[dict[str, Any]]] = {}
        shared = _Shared()
        for key, text in texts.items():
            fields = Fields(texts, key, author)
            if not _is_code(fields):
                continue
            found[key] = []  # whether it may be empty is not a question of its syntax
            if text.source.strip():
                async with self._turn(author):
                    found[key] = await self._problems_in(fields, shared)
        return found

    async def _problems_in(self, fields: Fields, shared: _Shared) -> list[dict[str, Any]]:
        document, key = await self._current(), fields.key
        await self._show(document, fields)
        is_broken = key in document.codes and document.codes[key].is_broken
        is_shared = not is_broken and document.stands(key) and not self._slow.has_doubts
        if is_shared and shared.text == document.text:
            answer = shared.complaints
        else:
            answer = await self._complaints()
            shared.text, shared.complaints = document.text, answer
        return await self._judged(document, fields, answer, Lines(fields.source))

    async def _judged(
        self,
        document: ModuleDocument,
        fields: Fields,
        answer: list[dict[str, Any]],
        lines: Lines,
    ) -> list[dict[str, Any]]:
        """Decide which complaints count; if code changes the shape of its values, its output counts as any."""
        complaints = await self._compute(partial(Complaints, document, answer))
        verdict = await self._compute(complaints.judge)
        if verdict.errors and verdict.reshaped:
            await self._change(document.show(fields.texts, fields.key, untyped=verdict.reshaped))
            answer = await self._complaints()
            complaints = await self._compute(partial(Complaints, document, answer))
            verdict = await self._compute(complaints.judge)
            await self._show(document, fields)
        found = await self._compute(partial(problems_of, document, fields.key, complaints, verdict))
        return [problem.as_diagnostic(lines, fields.key) for problem in found]

    async def _complaints(self) -> list[dict[str, Any]]:
        found = await self._ask("textDocument/diagnostic", {})
        if self._document is not None:
            self._slow.checked(self._document.shown)
        items = found.get("items") if isinstance(found, dict) else None
        return items if isinstance(items, list) else []

    async def _shown(self, fields: Fields) -> ModuleDocument:
        document = await self._current()
        if _is_code(fields):
            await self._show(document, fields)
        return document

    async def _show(self, document: ModuleDocument, fields: Fields) -> None:
        changes = await self._compute(partial(document.show, fields.texts, fields.key))
        await self._change(changes)

    async def _change(self, changes: list[dict[str, Any]]) -> None:
        if changes:
            self._version += 1
            document = {"uri": self._uri, "version": self._version}
            self._notify(
                "textDocument/didChange", {"textDocument": document, "contentChanges": changes}
            )

    async def _at(self, document: ModuleDocument, key: SlotKey, offset: int, method: str) -> Any:
        position = self._position(document, key, offset)
        return await self._ask(method, {"position": position}) if position else None

    def _position(
        self, document: ModuleDocument, key: SlotKey, offset: int
    ) -> dict[str, int] | None:
        found = document.offset(key, offset)
        return None if found is None else document.lines.position(found)

    def _span(
        self, document: ModuleDocument, key: SlotKey, range_: dict[str, Any] | None
    ) -> tuple[int, int] | None:
        """Return the offsets in a field for a range of the module; None if it is not in this field."""
        if range_ is None:
            return None
        spots = [document.spot(document.lines.offset(range_[part])) for part in ("start", "end")]
        first, last = spots
        if first is None or last is None or not first.key == last.key == key:
            return None
        return first.offset, last.offset

    async def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        return await self._request(method, {"textDocument": {"uri": self._uri}, **params})

    def _hold_back(self, error: ServerFailed) -> None:
        if self._document is not None:
            texts = suspects(self._document.shown, error)
            self._slow.failed(texts, self._document.saved)

    async def _current(self) -> ModuleDocument:
        """Return the document of a running server, with the newest draft."""
        if self._is_due() or self._document is None:
            await self._refresh()
        if self._document is None:
            raise Unavailable
        return self._document

    async def _refresh(self) -> None:
        revision = await self.drafts.revision()
        self._checked_at = self.clock()
        if revision != self._revision or self._document is None:
            draft = await self.drafts.load()
            self._revision = revision
            if draft.has_tree or not self._has_tree or self._document is None:
                await self._replace(draft)
        if self.server is None:
            await self._start()

    async def _replace(self, draft: DraftModule) -> None:
        """Switch to a new draft; a server with the types of other packages ends."""
        saved = {
            key: FieldText(code.source, code.is_expression) for key, code in draft.codes.items()
        }
        await self._parse_in_turns(saved, self.used_by)
        before, self._has_tree = self._document, draft.has_tree
        self._document = await self._compute(
            partial(
                ModuleDocument,
                draft.module,
                draft.codes,
                is_slow=self._slow.has,
                is_doubtful=self._slow.is_doubtful,
            )
        )
        if before is None or before.module.dependencies != draft.module.dependencies:
            await self._end()
        elif self.server:
            await self._change([{"text": self._document.text}])

    async def _start(self) -> None:
        document = self._document
        if document is None:
            raise Unavailable
        folder = await self._new_folder()
        write_project({_NAME: document.text}, folder, dependencies=document.module.dependencies)
        self._uri, self._version = (folder / _NAME).as_uri(), 1
        await self._start_in(folder)
        opened = {"uri": self._uri, "languageId": "typescript", "version": 1}
        self._notify("textDocument/didOpen", {"textDocument": {**opened, "text": document.text}})


def _parse_some(codes: list[tuple[str, FieldText]]) -> list[tuple[str, FieldText]]:
    """Parse code for a moment, and return what is left."""
    end = time.monotonic() + _PARSING_SECONDS
    for at, (path, text) in enumerate(codes, 1):
        parsed(path, text.source, is_expression=text.is_expression)
        if time.monotonic() > end:
            return codes[at:]
    return []


def _is_code(fields: Fields) -> bool:
    return not fields.texts[fields.key].is_text
