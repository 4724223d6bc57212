"""What code may import, and the import declarations of the module."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.parser import Mistake, Syntax, string_value, text
from workflows.codegen.text.literals import literal

_PACKAGE: Final = re.compile(r"(@[^/]+/)?[^/]+")
_OWN_MODULE: Final = re.compile(r"(?:cloudflare|node):[a-z_0-9]+(?:/[a-z_0-9]+)*")
_LOADING: Final = re.compile(rb"import|export|require|module")
_MISLEADING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\%?#]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A name that an import declares: `imported` is "default", "*" or the exported name."""

    local: str
    imported: str
    module: str
    type_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """An import declaration: its position in the code, and the names it declares."""

    line: int
    column: int
    module: str
    bindings: tuple[Binding, ...]


def declarations(syntax: Syntax) -> list[Declaration]:
    """Return the import declarations at the top level of the code, in order."""
    return [_declaration(syntax, node) for node in syntax.top_imports]


def mistakes(syntax: Syntax, allowed: Collection[str]) -> Iterator[Mistake]:
    """Yield a mistake for each import that is not a Cloudflare, Node or `allowed` module."""
    if not _LOADING.search(syntax.data):
        return
    for node in syntax.captured("import_statement"):
        yield from _statement_mistakes(syntax, node, allowed)
    yield from _export_mistakes(syntax, allowed)
    for node in syntax.captured("import"):
        yield from _call_mistakes(syntax, node, allowed)
    yield from _require_mistakes(syntax)
    yield from _module_mistakes(syntax)
    for node in syntax.captured("meta"):
        if node.children[0].type == "import":  # not `new.target`
            yield syntax.mistake(node, "a Worker has no `import.meta`, because it is a single file")


def _export_mistakes(syntax: Syntax, allowed: Collection[str]) -> Iterator[Mistake]:
    for node in syntax.captured("export_statement"):
        source = node.child_by_field_name("source")
        if source:
            yield from _checked(syntax, source, allowed)


def _require_mistakes(syntax: Syntax) -> Iterator[Mistake]:
    """Yield each `require`: workerd has none, and a bundler would follow it to any file."""
    for node in syntax.captured("name"):
        if node.text == b"require":
            message = (
                'a Worker has no `require`: write `import name from "module"` at the top instead'
            )
            yield syntax.mistake(node, message)


def _module_mistakes(syntax: Syntax) -> Iterator[Mistake]:
    """Yield accesses to `require` through `module`, which bundlers follow too."""
    for node in syntax.captured("name"):
        if node.text != b"module" or not node.parent:
            continue
        accessed = node.parent.child_by_field_name("property")
        is_computed = node.parent.type == "subscript_expression"
        if is_computed or (accessed and accessed.text == b"require"):
            yield syntax.mistake(node, "use `import` instead of `module.require`")


def _statement_mistakes(syntax: Syntax, node: Node, allowed: Collection[str]) -> Iterator[Mistake]:
    kinds = {part.type for part in node.named_children}
    if "import_require_clause" in kinds:
        yield syntax.mistake(
            node, "write `import name from ...` instead of `import name = require`"
        )
        return
    if "import_attribute" in kinds:
        yield syntax.mistake(node, "import attributes are not supported: remove `with {...}`")
    yield from _checked(syntax, node.child_by_field_name("source") or node, allowed)


def _call_mistakes(syntax: Syntax, node: Node, allowed: Collection[str]) -> Iterator[Mistake]:
    call = node.parent
    if call is None or call.type != "call_expression":
        return
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments and arguments.named_children else node
    yield from _checked(syntax, first, allowed)


def _checked(syntax: Syntax, source: Node, allowed: Collection[str]) -> Iterator[Mistake]:
    module = string_value(source) if source.type == "string" else None
    if module is None:
        yield syntax.mistake(
            source, 'write the module name as a plain string, such as "node:crypto"'
        )
    elif not is_allowed(module, allowed):
        yield syntax.mistake(source, _refusal(module))


def is_allowed(module: str, dependencies: Collection[str]) -> bool:
    """Whether a module may be imported; a path that could leave its package may not."""
    if _MISLEADING.search(module) or {"", ".", ".."}.intersection(module.split("/")):
        return False
    package = _PACKAGE.match(module)
    return bool(_OWN_MODULE.fullmatch(module) or (package and package[0] in dependencies))


def _refusal(module: str) -> str:
    is_path = module.startswith("file:") or {"", ".", ".."}.intersection(module.split("/"))
    if is_path or _MISLEADING.search(module):
        return f"{literal(module)} cannot be imported: files are not part of a Worker"
    return (
        f"{literal(module)} cannot be imported: add it to the workflow's dependencies, or use a "
        "`node:` or `cloudflare:` module"
    )


def _declaration(syntax: Syntax, node: Node) -> Declaration:
    module = string_value(node.child_by_field_name("source")) or ""
    line, column = syntax.position_of(node)
    return Declaration(
        line=line,
        column=column,
        module=module,
        bindings=tuple(_bindings(node, module)),
    )


def _bindings(statement: Node, module: str) -> Iterator[Binding]:
    type_only = any(part.type == "type" for part in statement.children)
    clauses = [part for part in statement.named_children if part.type == "import_clause"]
    for part in clauses[0].named_children if clauses else ():
        match part.type:
            case "identifier":
                yield Binding(
                    local=text(part), imported="default", module=module, type_only=type_only
                )
            case "namespace_import":
                local = text(part.named_children[0])
                yield Binding(local=local, imported="*", module=module, type_only=type_only)
            case "named_imports":
                yield from _named(part, module=module, type_only=type_only)


def _named(part: Node, *, module: str, type_only: bool) -> Iterator[Binding]:
    for specifier in part.named_children:
        name = specifier.child_by_field_name("name")
        if specifier.type != "import_specifier" or name is None:
            continue
        alias = specifier.child_by_field_name("alias")
        own_type = any(inner.type == "type" for inner in specifier.children)
        yield Binding(
            local=text(alias or name),
            imported=string_value(name) or text(name),
            module=module,
            type_only=type_only or own_type,
        )


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
