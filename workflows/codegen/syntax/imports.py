"""The import declarations in code, and imports that are not allowed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.syntax.tree_nodes import Found, string_value, text
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
    """An import declaration and the names it declares."""

    node: Node
    module: str
    bindings: tuple[Binding, ...]


def declarations(syntax: Syntax) -> list[Declaration]:
    """Return the import declarations at the top level of the code, in order."""
    return [_declaration(node) for node in syntax.top_imports]


def mistakes(syntax: Syntax, allowed: Collection[str]) -> Iterator[Found]:
    """Yield each import that is not a Cloudflare, Node or `allowed` module."""
    if not _LOADING.search(syntax.data):
        return
    for node in syntax.import_statements:
        yield from _statement_mistakes(node, allowed)
    for node in syntax.export_statements:
        source = node.child_by_field_name("source")
        if source:
            yield from _checked(source, allowed)
    for node in syntax.import_keywords:
        yield from _call_mistakes(node, allowed)
    yield from _require_mistakes(syntax.written_names)
    yield from _module_mistakes(syntax.written_names)
    for node in syntax.meta_properties:
        if node.children[0].type == "import":  # not `new.target`
            yield node, "a Worker has no `import.meta`, because it is a single file"


def _require_mistakes(names: list[Node]) -> Iterator[Found]:
    """Yield each `require`: workerd has none, and a bundler would follow it to any file."""
    for node in names:
        if node.text == b"require":
            message = (
                'a Worker has no `require`: write `import name from "module"` at the top instead'
            )
            yield node, message


def _module_mistakes(names: list[Node]) -> Iterator[Found]:
    """Yield accesses to `require` through `module`, which bundlers follow too."""
    for node in names:
        if node.text != b"module" or not node.parent:
            continue
        accessed = node.parent.child_by_field_name("property")
        is_computed = node.parent.type == "subscript_expression"
        if is_computed or (accessed and accessed.text == b"require"):
            yield node, "use `import` instead of `module.require`"


def _statement_mistakes(node: Node, allowed: Collection[str]) -> Iterator[Found]:
    kinds = {part.type for part in node.named_children}
    if "import_require_clause" in kinds:
        yield node, "write `import name from ...` instead of `import name = require`"
        return
    if "import_attribute" in kinds:
        yield node, "import attributes are not supported: remove `with {...}`"
    yield from _checked(node.child_by_field_name("source") or node, allowed)


def _call_mistakes(node: Node, allowed: Collection[str]) -> Iterator[Found]:
    call = node.parent
    if call is None or call.type != "call_expression":
        return
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments and arguments.named_children else node
    yield from _checked(first, allowed)


def _checked(source: Node, allowed: Collection[str]) -> Iterator[Found]:
    module = string_value(source) if source.type == "string" else None
    if module is None:
        yield source, 'write the module name as a plain string, such as "node:crypto"'
    elif not is_allowed(module, allowed):
        yield source, _refusal(module)


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


def _declaration(node: Node) -> Declaration:
    module = string_value(node.child_by_field_name("source")) or ""
    return Declaration(node=node, module=module, bindings=tuple(_bindings(node, module)))


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
