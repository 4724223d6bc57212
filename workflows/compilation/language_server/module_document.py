"""The module as a language server's only document, whose slots contain the code of fields."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from workflows.codegen.module.editing import EditingModule
from workflows.codegen.text.slots import SlotKey
from workflows.compilation.language_server.field_code import (
    EMPTY_EXPRESSION,
    FieldCode,
    import_statement,
    parsed,
)
from workflows.compilation.language_server.positions import Lines
from workflows.ir.reading.fields import Code

_IMPORTS: Final = ("", "")  # the slot at the end of the module


@dataclass(frozen=True, slots=True)
class FieldText:
    """The text of a field, as saved or as typed; `is_text` is true if it is not code."""

    source: str
    is_expression: bool
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one editor: the text of each, the one that a request is about, and who types."""

    texts: Mapping[SlotKey, FieldText]
    key: SlotKey
    author: object = None

    @property
    def source(self) -> str:
        return self.texts[self.key].source


@dataclass(frozen=True, slots=True)
class Spot:
    """A position in the code of a field; in a file of a project, the `position` of the protocol."""

    key: SlotKey
    offset: int
    position: Mapping[str, int] | None = None


class ModuleDocument:
    """The text of the module for one set of fields; `saved` is the code of the draft.

    The module has no code that is too complex, or for which `is_slow`. It has code for which
    `is_doubtful` only while its field is focused.
    """

    def __init__(
        self,
        module: EditingModule,
        saved: Mapping[SlotKey, Code],
        is_slow: Callable[[SlotKey, str], bool] = lambda _key, _source: False,
        is_doubtful: Callable[[SlotKey, str], bool] = lambda _key, _source: False,
    ) -> None:
        self.module = module
        self.is_slow = is_slow
        self._is_doubtful = is_doubtful
        self._saved = {
            key: FieldText(code.source, code.is_expression) for key, code in saved.items()
        }
        self._slots = [part for part in module.parts if isinstance(part, tuple)]
        self._texts: dict[SlotKey, str] = dict.fromkeys([*self._slots, _IMPORTS], "")
        self._codes: dict[SlotKey, FieldCode] = {}
        self._moved: dict[SlotKey, SlotKey] = {}
        self._hidden: set[SlotKey] = set()
        self._starts: dict[SlotKey, int] = {}
        self.lines = Lines("")
        self.show({}, None)

    @property
    def text(self) -> str:
        return self.lines.text

    def has(self, key: SlotKey) -> bool:
        """Whether the module can contain code of this field."""
        return key in self._texts or (bool(key[0]) and (key[0], "") in self._texts)

    def stands(self, key: SlotKey) -> bool:
        """Return whether the module has a slot for exactly this field."""
        return key in self._texts

    @property
    def codes(self) -> Mapping[SlotKey, FieldCode]:
        """The code of all fields."""
        return self._codes

    @property
    def saved(self) -> Mapping[SlotKey, str]:
        """The source of the code in the draft, by field."""
        return {key: text.source for key, text in self._saved.items()}

    @property
    def shown(self) -> Mapping[SlotKey, str]:
        """The source of the code that the module contains, by field."""
        shown = (self._texts.keys() | set(self._moved.values())) - self._hidden
        return {key: code.source for key, code in self._codes.items() if key in shown}

    def show(
        self,
        typed: Mapping[SlotKey, FieldText],
        focused: SlotKey | None,
        *,
        untyped: frozenset[str] = frozenset(),
        probe: tuple[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """Write the saved and the typed code into the slots; return the changes for the server.

        The module only contains broken code while its field is focused. The outputs of `untyped`
        nodes are typed as any. A `probe` is a node and an expression that is evaluated before it.
        """
        fields = {**self._saved, **dict(self.typed_code(typed))}
        self._codes = {key: self._field_code(key, text, untyped) for key, text in fields.items()}
        texts = {slot: EMPTY_EXPRESSION if slot[1] else "" for slot in self._texts}
        self._moved = {}
        self._hidden = {key for key, code in self._codes.items() if self._hides(key, code, focused)}
        for key, code in self._codes.items():
            if key in texts:
                texts[key] = code.placeholder if key in self._hidden else code.text
            elif key in self._hidden:
                continue
            elif key == focused and (key[0], "") in texts and key[0]:
                self._moved = {(key[0], ""): key}
                texts[key[0], ""] = _statement(code)
        if probe:
            texts[probe[0], ""] = probe[1]
        texts[_IMPORTS] = self._imports()
        return self._replace(texts)

    def _hides(self, key: SlotKey, code: FieldCode, focused: SlotKey | None) -> bool:
        if key != focused and (code.is_broken or self._is_doubtful(key, code.source)):
            return True
        return code.is_too_complex or self.is_slow(key, code.source)

    def typed_code(self, typed: Mapping[SlotKey, FieldText]) -> Iterator[tuple[SlotKey, FieldText]]:
        """Yield the code that was typed into fields; the draft decides which fields are expressions."""
        for key, text in typed.items():
            if not text.is_text:
                saved = self._saved.get(key, text)
                yield key, replace(text, is_expression=saved.is_expression)

    def _field_code(self, key: SlotKey, text: FieldText, untyped: frozenset[str]) -> FieldCode:
        known, is_untyped = self._codes.get(key), bool(key[0]) and key[0] in untyped
        if known and known.source == text.source and known.is_untyped == is_untyped:
            return known
        parameters = tuple(parameter.name for parameter in self.module.parameters(*key))
        syntax = parsed(
            key[1], text.source, is_expression=text.is_expression, parameters=parameters
        )
        resolve = partial(self.module.expression, node_id=key[0], path=key[1])
        return FieldCode(syntax, resolve, is_untyped=is_untyped)

    def _imports(self) -> str:
        """Return declarations for the imports that the module lacks, each name once."""
        new = {
            binding.local: binding
            for code in self._codes.values()
            for binding in code.bindings
            if not self.module.is_imported(binding)
        }
        return "\n".join(map(import_statement, new.values()))

    def _replace(self, texts: dict[SlotKey, str]) -> list[dict[str, Any]]:
        """Put new texts into the slots; return the changes, the last one in the module first."""
        before, old = self._starts, self.lines
        changed = [key for key in (*self._slots, _IMPORTS) if texts[key] != self._texts[key]]
        changes = [
            {
                "range": old.range(before[key], before[key] + len(self._texts[key])),
                "text": texts[key],
            }
            for key in reversed(changed)
            if before
        ]
        if changed or not before:
            self._texts = texts
            self._assemble()
        return changes

    def _assemble(self) -> None:
        pieces: list[str] = []
        length = 0
        for part in (*self.module.parts, _IMPORTS):
            if isinstance(part, tuple):
                self._starts[part] = length
            pieces.append(self._texts[part] if isinstance(part, tuple) else part)
            length += len(pieces[-1])
        self.lines = Lines("".join(pieces))

    def offset(self, key: SlotKey, offset: int) -> int | None:
        """Return the offset in the module for an offset in a field; None if the field is not in the module."""
        code = self._codes.get(key)
        slot = key if key in self._texts else (key[0], "")
        if code is None or key in self._hidden or (slot != key and self._moved.get(slot) != key):
            return None
        start = self._starts[slot] + (_lead(code) if slot != key else 0)
        return start + code.to_module(offset)

    def probe_end(self, node_id: str) -> int:
        """Return the end of the expression before a node."""
        key = (node_id, "")
        return self._starts[key] + len(self._texts[key])

    def spot(self, offset: int) -> Spot | None:
        """Return the field that a position in the module comes from, and the position in it."""
        keys = [*self._slots, _IMPORTS]
        index = bisect_right(keys, offset, key=lambda key: self._starts[key]) - 1
        if index < 0:
            return None
        slot = keys[index]
        key = self._moved.get(slot, slot)
        code = self._codes.get(key)
        is_shown = code is not None and key not in self._hidden
        if code is None or not is_shown or offset > self._starts[slot] + len(self._texts[slot]):
            return None
        lead = _lead(code) if slot != key else 0
        found = code.to_field(offset - self._starts[slot] - lead)
        return None if found is None else Spot(key, found)

    def node_of(self, variable: str) -> str:
        """Return the node whose output the variable holds, or ""."""
        by_variable = {name: id_ for id_, name in self.module.variables.items()}
        return by_variable.get(variable, "")

    def visible_names(self, key: SlotKey) -> frozenset[str]:
        """Return the names of generated code that the code of a field can use."""
        names = self.module.names(*key)
        code = self._codes.get(key)
        own = code.syntax.names if code else frozenset()
        return own if names is None else own | names.local | frozenset(names.outputs.values())


def _statement(code: FieldCode) -> str:
    """Return a statement for code that has no slot of its own in the module."""
    return f"{_before(code)}{code.text}\n{'));' if code.syntax.code.is_expression else '};'}"


def _before(code: FieldCode) -> str:
    own = [f"{name}: any" for name in code.syntax.code.parameters]
    if code.syntax.code.is_expression:
        return f"void (({', '.join(own)}) => (\n" if own else "void ((\n"
    return f"async ({', '.join(['ctx: WorkflowStepContext', *own])}) => {{"


def _lead(code: FieldCode) -> int:
    return len(_before(code))
