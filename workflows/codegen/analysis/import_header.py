"""The head of the module: the imports of all nodes together, each name once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.codegen.syntax.imports import Binding, Declaration, statement
from workflows.codegen.text.literals import literal
from workflows.codegen.text.writer import Mapped, Writer
from workflows.ir.reading.identifiers import GENERATED_NAMES, RESERVED, USED_GLOBALS

WORKERS = "cloudflare:workers"
WORKFLOWS = "cloudflare:workflows"
TYPES = ("WorkflowEvent", "WorkflowStep", "WorkflowStepContext", "WorkflowStepEvent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who wrote an import: the field's path within its node, and the place in it."""

    node_id: str
    path: str
    line: int
    column: int


_OURSELVES = Origin(node_id="", path="", line=0, column=0)


@dataclass(frozen=True, slots=True)
class _Import:
    """What is imported, and who wrote it first."""

    binding: Binding
    origin: Origin = _OURSELVES


@dataclass(slots=True)
class ImportHeader:
    """Collects imports; two that bind one name differently are refused."""

    _by_name: dict[str, _Import] = field(default_factory=dict)
    _modules: dict[str, _Import] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        return set(self._by_name)

    def add(self, declaration: Declaration, *, node_id: str, path: str) -> Iterator[str]:
        """Take a declaration in; yield why a name of it cannot be."""
        line, column = declaration.line, declaration.column
        origin = Origin(node_id=node_id, path=path, line=line, column=column)
        for binding in declaration.bindings:
            new = _Import(binding, origin)
            known = self._by_name.setdefault(binding.local, new)
            yield from _conflict(known.binding, binding)
            if known.binding.type_only and not binding.type_only:
                self._by_name[binding.local] = new
        if not declaration.bindings:
            empty = Binding(local="", imported="", module=declaration.module, type_only=False)
            self._modules.setdefault(declaration.module, _Import(empty, origin))

    def shares(self, binding: Binding) -> bool:
        """Whether a name can be imported once for all: just this is imported, or known, by it."""
        known = self._by_name.get(binding.local)
        if known:
            there = (known.binding.imported, known.binding.module)
            return there == (binding.imported, binding.module)
        return _is_same(binding)

    @property
    def globals(self) -> Iterator[tuple[str, Origin]]:
        """Yield the imported names that mean something everywhere, and who imports each first."""
        for name, one in self._by_name.items():
            if name in RESERVED and name not in GENERATED_NAMES:
                yield name, one.origin

    def need(self, name: str, module: str, *, type_only: bool) -> None:
        """Import what the generated code itself uses."""
        binding = Binding(local=name, imported=name, module=module, type_only=type_only)
        known = self._by_name.get(name)
        if known is None or (known.binding.type_only and not type_only):
            self._by_name[name] = _Import(binding)

    def need_named(self, text: str) -> None:
        """Import what all code may use without importing it, where the text names it."""
        for name in (name for name in TYPES if name in text):
            self.need(name, WORKERS, type_only=True)
        if "NonRetryableError" in text:
            self.need("NonRetryableError", WORKFLOWS, type_only=False)

    def write(self, writer: Writer) -> None:
        """Write the imports, those of Cloudflare first, each mapped to who wrote it first."""
        modules: dict[str, list[_Import]] = {module: [] for module in self._modules}
        for one in self._by_name.values():
            modules.setdefault(one.binding.module, []).append(one)
        for module in sorted(modules, key=lambda name: (not name.startswith("cloudflare:"), name)):
            found = modules[module]
            by_hand = [*found, *filter(None, [self._modules.get(module)])]
            origin = next((one.origin for one in by_hand if one.origin.path), _OURSELVES)
            for text in statement(module, [one.binding for one in found]):
                writer.mark(origin.node_id)
                writer.line(_piece(text, origin))
        writer.mark("")


def _piece(text: str, origin: Origin) -> str | Mapped:
    if not origin.line:
        return text
    return Mapped(text, origin.path, origin.line, origin.column)


def _conflict(known: Binding, new: Binding) -> Iterator[str]:
    if (known.imported, known.module) != (new.imported, new.module):
        yield (
            f"`{new.local}` is imported from {literal(known.module)} elsewhere in this workflow and "
            f"from {literal(new.module)} here: give one of them another name"
        )
    elif new.local in GENERATED_NAMES and not _is_same(new):
        yield f"`{new.local}` has a meaning of its own in generated code: import it as another name"

    elif new.local in USED_GLOBALS:
        yield (
            f"`{new.local}` is used by generated code, where it must stay what it is: import it as "
            'another name, as `import nodeFetch from "node-fetch"` does'
        )


def _is_same(binding: Binding) -> bool:
    """Whether an import brings just what the generated code calls by that name."""
    if binding.imported != binding.local:
        return False
    if binding.local == "NonRetryableError":
        return binding.module == WORKFLOWS
    return binding.module == WORKERS and binding.local in (*TYPES, "WorkflowEntrypoint", "env")
