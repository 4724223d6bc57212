"""The language server of a project's draft, and its answers about the project's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import unquote

from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server import allowed_answers, completion_order
from workflows.compilation.language_server.module_document import Fields, FieldText, Spot
from workflows.compilation.language_server.positions import Lines
from workflows.compilation.language_server.project_documents import ProjectDocuments
from workflows.compilation.language_server.server_process import ServerFailed
from workflows.compilation.language_server.server_session import (
    ServerSession,
    Unavailable,
    completion_answer,
    items_of,
    suspects,
    word_length,
)
from workflows.compilation.project_folder import ProjectSource, write_files

_AUTO_IMPORTED: Final = "16"  # how the compiler sorts names that are not imported yet
_MODULE: Final = 9  # kinds of the protocol
_T = TypeVar("_T")


class ProjectDrafts(Protocol):
    """Where the session gets its draft from; `revision` changes whenever the draft does."""

    async def revision(self) -> str: ...
    async def load(self) -> ProjectSource: ...


@dataclass(eq=False, kw_only=True)
class ProjectSession(ServerSession):
    """The session of a project. The key of a file is ("", path).

    The server reads a copy of the files in a folder of its own, and what is typed takes precedence over it.
    """

    drafts: ProjectDrafts
    _documents: ProjectDocuments | None = None
    _folder: Path = field(default_factory=Path)
    _shown: dict[str, str] = field(default_factory=dict)
    _opened: dict[str, int] = field(default_factory=dict)

    async def completion(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return completion items for a position in a file, with the offsets that they replace."""
        async with self._turn(fields.author):
            documents = await self._current()
            line = Lines(fields.source).line_before(offset)
            named = allowed_answers.module_names(line, documents.importable_from(fields.key[1]))
            if named:
                items = [{"label": name, "kind": _MODULE} for name in named[1]]
                return completion_answer(items, offset - len(named[0]), offset)
            found = await self._at(documents, fields, offset, "textDocument/completion")
            items = [item for item in items_of(found) if _is_in_scope(item)]
            list_ = self._listed(allowed_answers.allowed(items, hidden=(), visible=()))
            start = offset - word_length(fields.source, offset)
            word = fields.source[start:offset]
            shown = self._for_browser(list(allowed_answers.items(self._items)))
            ordered = completion_order.ordered(shown, word=word, outputs=())
            answer = completion_answer(ordered, start, offset)
            has_more = answer["is_incomplete"] or completion_order.is_incomplete(word)
            return {**answer, "is_incomplete": has_more, "list": list_}

    async def hover(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return the type and the documentation of a name, and its offsets."""
        async with self._turn(fields.author):
            documents = await self._current()
            found = await self._at(documents, fields, offset, "textDocument/hover")
            text = allowed_answers.plain_text(self._for_browser(found["contents"])) if found else ""
            if not text:
                return None
            lines, range_ = Lines(fields.source), found.get("range")
            start, end = (
                (lines.offset(range_[part]) for part in ("start", "end"))
                if range_
                else (offset, offset)
            )
            return {"text": text, "start": start, "end": end}

    async def signature_help(self, fields: Fields, offset: int) -> dict[str, Any] | None:
        """Return the signatures of the function whose arguments are being written."""
        async with self._turn(fields.author):
            documents = await self._current()
            found = await self._at(documents, fields, offset, "textDocument/signatureHelp")
            return allowed_answers.signatures(self._for_browser(found)) if found else None

    async def definition(self, fields: Fields, offset: int) -> Spot | None:
        """Return where a name is declared, if a file of the project declares it."""
        async with self._turn(fields.author):
            documents = await self._current()
            found = await self._at(documents, fields, offset, "textDocument/definition")
            for each in found if isinstance(found, list) else [found] if found else []:
                path = self._path_of(each.get("uri"))
                if path in documents.code:
                    return Spot(("", path), 0, position=each["range"]["start"])
            return None

    async def rename(self, fields: Fields, offset: int, name: str) -> None:
        """Rename nothing: a name may occur in files that others are editing."""

    async def problems(
        self, texts: Mapping[SlotKey, FieldText], author: object = None
    ) -> dict[SlotKey, list[dict[str, Any]]]:
        """Return nothing: the files are checked together after each change."""
        return {}

    async def _at(
        self, documents: ProjectDocuments, fields: Fields, offset: int, method: str
    ) -> Any:
        """Ask about a position in a file of the project; other paths have no answers."""
        path = fields.key[1]
        if path not in documents.code:
            return None
        if self._slow.has(fields.key, documents.harmless(fields.source)):
            raise Unavailable
        self._show(documents, fields)
        document = {"textDocument": {"uri": self._uri(path)}}
        position = Lines(fields.source).position(offset)
        found = await self._request(method, {**document, "position": position})
        others = {("", each): text for each, text in self._shown.items() if each != path and text}
        self._slow.checked(others)
        return found

    def _show(self, documents: ProjectDocuments, fields: Fields) -> None:
        """Send the server what this editor has, as far as it does not have it already."""
        typed = {key[1]: documents.harmless(text.source) for key, text in fields.texts.items()}
        current = fields.key[1]
        for path, saved in documents.code.items():
            text = typed.get(path, saved)
            if path != current and self._is_held_back(path, text):
                text = ""
            if text != self._shown.get(path) or (path == current and path not in self._opened):
                self._send(path, text)

    def _is_held_back(self, path: str, text: str) -> bool:
        key = "", path
        return self._slow.has(key, text) or self._slow.is_doubtful(key, text)

    def _send(self, path: str, text: str) -> None:
        version = self._opened[path] = self._opened.get(path, 0) + 1
        self._shown[path] = text
        document = {"uri": self._uri(path), "version": version}
        if version == 1:
            opened = {**document, "languageId": _language_id(path), "text": text}
            self._notify("textDocument/didOpen", {"textDocument": opened})
        else:
            changes = [{"text": text}]
            self._notify(
                "textDocument/didChange", {"textDocument": document, "contentChanges": changes}
            )

    def _uri(self, path: str) -> str:
        return (self._folder / path).as_uri()

    def _path_of(self, uri: object) -> str:
        """Return the path of a file in the session's folder; "" for any other address."""
        inside = f"file://{self._folder}/"
        address = unquote(uri) if isinstance(uri, str) else ""
        return address.removeprefix(inside) if address.startswith(inside) else ""

    def _for_browser(self, answer: _T) -> _T:
        """Return an answer in which files of the project have their paths in the project."""
        changed: _T = json.loads(json.dumps(answer).replace(f"{self._folder}/", ""))
        return changed

    def _hold_back(self, error: ServerFailed) -> None:
        if self._documents is not None:
            texts = {("", path): text for path, text in self._shown.items()}
            saved = {("", path): text for path, text in self._documents.code.items()}
            self._slow.failed(suspects(texts, error), saved)

    async def _current(self) -> ProjectDocuments:
        """Return the files of a running server, with the newest draft."""
        if self._is_due() or self._documents is None:
            await self._refresh()
        if self._documents is None:
            raise Unavailable
        return self._documents

    async def _refresh(self) -> None:
        revision = await self.drafts.revision()
        self._checked_at = self.clock()
        if revision != self._revision or self._documents is None:
            source, before = await self.drafts.load(), self._documents
            self._documents = await self._compute(partial(ProjectDocuments, source))
            self._revision = revision
            if before is None or not self._documents.differ_only_in_code(before):
                await self._end()
        if self.server is None:
            await self._start(self._documents)

    async def _start(self, documents: ProjectDocuments) -> None:
        self._folder = (await self._new_folder()).resolve()
        held_back = {
            path for path, text in documents.code.items() if self._is_held_back(path, text)
        }
        self._shown = {
            path: "" if path in held_back else text for path, text in documents.code.items()
        }
        files = {**self._shown, **documents.others}
        try:
            await self._compute(partial(write_files, files, self._folder))
        except (OSError, UnicodeError) as error:  # this machine cannot store a path or a text
            await self._failed(ServerFailed(str(error)))
            raise Unavailable from None
        await self._start_in(self._folder)

    async def _end(self) -> None:
        self._opened = {}
        await super()._end()


def _is_in_scope(item: Mapping[str, Any]) -> bool:
    return str(item.get("sortText", "")) < _AUTO_IMPORTED


def _language_id(path: str) -> str:
    """Return the name that the protocol has for the language of a file."""
    suffix = path.rpartition(".")[2]
    if suffix.endswith("x"):
        return "typescriptreact" if suffix == "tsx" else "javascriptreact"
    return "typescript" if suffix.endswith("ts") else "javascript"
