"""The import header of the module: the imports of all nodes, each name once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from workflows.codegen.syntax.imports import Binding, Declaration
from workflows.codegen.text.literals import literal
from workflows.codegen.text.writer import Mapped, Piece, Writer
from workflows.ir.reading.identifiers import GENERATED_NAMES, GLOBALS, USED_GLOBALS

WORKERS = "cloudflare:workers"
WORKFLOWS = "cloudflare:workflows"
TYPES = ("WorkflowEvent", "WorkflowStep", "WorkflowStepContext", "WorkflowStepEvent")
NAMED = (*TYPES, "NonRetryableError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an import was written: the field's path within its node, and the position in it."""

    node_id: str
    path: str
    line: int
    column: int


_GENERATED = Origin(node_id="", path="", line=0, column=0)


@dataclass(frozen=True, slots=True)
class _Import:
    """An imported name, and where it was written first."""

    binding: Binding
    origin: Origin = _GENERATED


@dataclass(slots=True)
class ImportHeader:
    """Collects imports; two different meanings of one name are rejected."""

    _by_name: dict[str, _Import] = field(default_factory=dict)
    _modules: dict[str, _Import] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """All imported names."""
        return set(self._by_name)

    def add(self, declaration: Declaration, origin: Origin) -> Iterator[str]:
        """Add a declaration; yield why one of its names cannot be used."""
        for binding in declaration.bindings:
            new = _Import(binding, origin)
            existing = self._by_name.setdefault(binding.local, new)
            yield from _conflict(existing.binding, binding)
            if existing.binding.type_only and not binding.type_only:
                self._by_name[binding.local] = new
        if not declaration.bindings:
            empty = Binding(local="", imported="", module=declaration.module, type_only=False)
            self._modules.setdefault(declaration.module, _Import(empty, origin))

    def shares(self, binding: Binding) -> bool:
        """Whether the name can be shared: it means the same wherever it is already used."""
        existing = self._by_name.get(binding.local)
        if existing:
            source = (existing.binding.imported, existing.binding.module)
            return source == (binding.imported, binding.module)
        return _is_same(binding)

    @property
    def globals(self) -> Iterator[tuple[str, Origin]]:
        """Yield the imported names that are also globals, and where each is imported first."""
        for name, imported in self._by_name.items():
            if name in GLOBALS and name not in GENERATED_NAMES:
                yield name, imported.origin

    def need(self, name: str, module: str, *, type_only: bool) -> None:
        """Import what the generated code itself uses."""
        binding = Binding(local=name, imported=name, module=module, type_only=type_only)
        existing = self._by_name.get(name)
        if existing is None or (existing.binding.type_only and not type_only):
            self._by_name[name] = _Import(binding)

    def need_named(self, text: str) -> None:
        """Import the names that all code may use without an import, if the text contains them."""
        for name in (name for name in TYPES if name in text):
            self.need(name, WORKERS, type_only=True)
        if "NonRetryableError" in text:
            self.need("NonRetryableError", WORKFLOWS, type_only=False)

    def write(self, writer: Writer) -> None:
        """Write the imports, Cloudflare's first, each mapped to where it was written first."""
        for node_id, piece in self._lines():
            writer.set_node(node_id)
            writer.line(piece)
        writer.set_node("")

    def _lines(self) -> Iterator[tuple[str, Piece]]:
        """Yield the declarations, each with the node that it comes from."""
        modules: dict[str, list[_Import]] = {module: [] for module in self._modules}
        for imported in self._by_name.values():
            modules.setdefault(imported.binding.module, []).append(imported)
        for module in sorted(modules, key=lambda name: (not name.startswith("cloudflare:"), name)):
            names = modules[module]
            origins = [item.origin for item in (*names, self._modules.get(module)) if item]
            origin = next((origin for origin in origins if origin.path), _GENERATED)
            for text in statement(module, [item.binding for item in names]):
                is_own = not origin.line
                mapped = Mapped(text, origin.path, origin.line, origin.column)
                yield origin.node_id, text if is_own else mapped


def statement(module: str, bindings: Collection[Binding]) -> Iterator[str]:
    """Yield the import declarations for these names of one module."""
    named = sorted(_specifier(name) for name in bindings if name.imported not in ("default", "*"))
    defaults = [name for name in bindings if name.imported == "default"]
    namespaces = [name for name in bindings if name.imported == "*"]
    source = literal(module)
    for name in defaults:
        yield f"import {_kind(name)}{name.local} from {source};"
    for name in namespaces:
        yield f"import {_kind(name)}* as {name.local} from {source};"
    if named:
        yield f"import {{ {', '.join(named)} }} from {source};"
    if not bindings:
        yield f"import {source};"


def _kind(binding: Binding) -> str:
    return "type " if binding.type_only else ""


def _specifier(binding: Binding) -> str:
    is_name = re.fullmatch(r"[\w$]+", binding.imported)
    imported = binding.imported if is_name else literal(binding.imported)
    renamed = imported if binding.imported == binding.local else f"{imported} as {binding.local}"
    return f"{_kind(binding)}{renamed}"


def _conflict(existing: Binding, new: Binding) -> Iterator[str]:
    if (existing.imported, existing.module) != (new.imported, new.module):
        yield (
            f"`{new.local}` is imported from {literal(existing.module)} elsewhere in this workflow and "
            f"from {literal(new.module)} here: give one of them another name"
        )
    elif new.local in GENERATED_NAMES and not _is_same(new):
        yield f"`{new.local}` already has a meaning in generated code: import it under another name"
    elif new.local in USED_GLOBALS:
        yield (
            f"`{new.local}` is used by generated code and cannot be replaced: import it under "
            'another name, such as `import nodeFetch from "node-fetch"`'
        )


def _is_same(binding: Binding) -> bool:
    """Whether an import means the same as the name does in generated code."""
    if binding.imported != binding.local:
        return False
    if binding.local == "NonRetryableError":
        return binding.module == WORKFLOWS
    return binding.module == WORKERS and binding.local in (*TYPES, "WorkflowEntrypoint", "env")
