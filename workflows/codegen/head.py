"""The head of the module: the imports of all nodes together, each name once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.codegen.imports import Binding, Declaration, statement
from workflows.codegen.literals import literal
from workflows.codegen.naming import OURS
from workflows.codegen.writer import Mapped, Writer

WORKERS = "cloudflare:workers"
WORKFLOWS = "cloudflare:workflows"
TYPES = ("WorkflowEvent", "WorkflowStep", "WorkflowStepContext", "WorkflowStepEvent")


@dataclass(frozen=True, slots=True)
class _Import:
    """What is imported, and who wrote it first ("" for what the module itself needs)."""

    binding: Binding
    node_id: str = ""
    path: str = ""
    line: int = 0
    column: int = 0


@dataclass(slots=True)
class Head:
    """Collects imports; two that bind one name differently are refused."""

    _by_name: dict[str, _Import] = field(default_factory=dict)
    _modules: dict[str, _Import] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        return set(self._by_name)

    def add(self, declaration: Declaration, *, node_id: str, path: str) -> Iterator[str]:
        """Take a declaration in; yield why a name of it cannot be."""
        for binding in declaration.bindings:
            new = _Import(binding, node_id, path, declaration.line, declaration.column)
            known = self._by_name.setdefault(binding.local, new)
            yield from _conflict(known.binding, binding)
            if known.binding.type_only and not binding.type_only:
                self._by_name[binding.local] = new
        if not declaration.bindings:
            empty = Binding(local="", imported="", module=declaration.module, type_only=False)
            new = _Import(empty, node_id, path, declaration.line, declaration.column)
            self._modules.setdefault(declaration.module, new)

    def need(self, name: str, module: str, *, type_only: bool) -> None:
        """Import what the generated code itself uses."""
        binding = Binding(local=name, imported=name, module=module, type_only=type_only)
        known = self._by_name.get(name)
        if known is None or (known.binding.type_only and not type_only):
            self._by_name[name] = _Import(binding)

    def write(self, writer: Writer) -> None:
        """Write the imports, those of Cloudflare first, each mapped to who wrote it first."""
        modules = {one.binding.module for one in self._by_name.values()} | set(self._modules)
        for module in sorted(modules, key=lambda name: (not name.startswith("cloudflare:"), name)):
            found = [one for one in self._by_name.values() if one.binding.module == module]
            origin = next((one for one in found if one.node_id or one.path), None)
            origin = origin or self._modules.get(module)
            for text in statement(module, [one.binding for one in found]):
                writer.mark(origin.node_id if origin else "")
                writer.line(_piece(text, origin))
        writer.mark("")


def _piece(text: str, origin: _Import | None) -> str | Mapped:
    if origin is None or not origin.line:
        return text
    return Mapped(text, origin.path, origin.line, origin.column)


def _conflict(known: Binding, new: Binding) -> Iterator[str]:
    if (known.imported, known.module) != (new.imported, new.module):
        yield (
            f"`{new.local}` is imported from {literal(known.module)} elsewhere in this workflow and "
            f"from {literal(new.module)} here: give one of them another name"
        )
    elif new.local in OURS and not _is_same(new):
        yield f"`{new.local}` has a meaning of its own in generated code: import it as another name"


def _is_same(binding: Binding) -> bool:
    """Whether an import brings just what the generated code calls by that name."""
    if binding.imported != binding.local:
        return False
    if binding.local == "NonRetryableError":
        return binding.module == WORKFLOWS
    return binding.module == WORKERS and binding.local in (*TYPES, "WorkflowEntrypoint", "env")
