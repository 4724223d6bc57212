"""The source files of a project: their syntax trees, what they declare, export and import."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from workflows.codegen.syntax.parser import parse_typescript
from workflows.codegen.syntax.tree_nodes import children_of, named_nodes, string_value, text
from workflows.picture.from_code.reader.values import (
    Class,
    Fields,
    Function,
    Imported,
    Lazy,
    Scope,
    Text,
)

MAX_FILE: Final = 1_000_000  # characters
DEFAULT: Final = "default"
_JSX: Final = Parser(Language(tree_sitter_typescript.language_tsx()))
_WITHOUT_JSX: Final = (".ts", ".mts", ".cts")
EXTENSIONS: Final = (*_WITHOUT_JSX, ".tsx", ".js", ".jsx", ".mjs", ".cjs")
_COMPILED: Final = {".js": (".ts", ".tsx"), ".mjs": (".mts",), ".cjs": (".cts",), ".jsx": (".tsx",)}
_BRACKETS: Final = {"(": ")", "[": "]", "{": "}", "${": "}"}
_MAX_OPEN: Final = 200
CLASSES: Final = frozenset({"class_declaration", "class", "abstract_class_declaration"})
FUNCTIONS: Final = frozenset(
    {
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "arrow_function",
        "method_definition",
    }
)


_ASSIGNING: Final = {
    "assignment_expression": "left",
    "augmented_assignment_expression": "left",
    "update_expression": "argument",
}
_IN_PATTERNS: Final = frozenset({"identifier", "shorthand_property_identifier_pattern"})


@dataclass(slots=True)
class Module:
    """A file: `exports` are the names of its own scope or of other modules under which it exports them.

    `everything_of` are modules all of whose exports it exports.
    """

    path: str
    root: Node
    scope: Scope
    exports: dict[str, str | Imported] = field(default_factory=dict)
    everything_of: list[str] = field(default_factory=list)

    @property
    def is_broken(self) -> bool:
        return self.root.has_error


class Project:
    """The files of a project by their paths; each is parsed when it is needed first.

    `aliases` are paths that imports can be written with, as `paths` in tsconfig.json.
    """

    def __init__(
        self, files: Mapping[str, str], aliases: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._files = files
        self._aliases = aliases or {}
        self._modules: dict[str, Module | None] = {}
        self.broken: list[Module] = []

    @property
    def parsed(self) -> list[Module]:
        """The modules that have been parsed, as they were before a repair."""
        repaired = {module.path for module in self.broken}
        others = (module for module in self._modules.values() if module)
        return [*self.broken, *(module for module in others if module.path not in repaired)]

    def has(self, path: str) -> bool:
        return path in self._files

    def module(self, path: str) -> Module | None:
        """Return a file; None if it does not exist or is too long."""
        if path not in self._modules:
            source = self._files.get(path)
            is_read = source is not None and len(source) <= MAX_FILE
            self._modules[path] = _module(path, source or "") if is_read else None
        return self._modules[path]

    def repair(self, path: str) -> Module | None:
        """Parse a file again with the brackets closed that it leaves open; its lines stay the same."""
        module = self.module(path)
        if module is None or not module.is_broken:
            return module
        self.broken.append(module)
        source = f"{self._files[path]}\n{_closing(module.root)}"
        self._modules[path] = _module(path, source)
        return self._modules[path]

    def resolve(self, importer: str, specifier: str) -> str:
        """Return the path of an imported file; "" if it is not a file of the project."""
        if specifier.startswith("."):
            written = [posixpath.join(posixpath.dirname(importer), specifier)]
        else:
            written = self._aliased(specifier)
        candidates = (each for path in written for each in _candidates(posixpath.normpath(path)))
        return next((each for each in candidates if each in self._files), "")

    def _aliased(self, specifier: str) -> list[str]:
        """Return the paths that an import such as "@/lib/mail" can mean, by the most specific alias."""
        for pattern in sorted(self._aliases, key=len, reverse=True):
            start, star, end = pattern.partition("*")
            is_exact = not star and specifier == pattern
            is_longer = len(specifier) >= len(start) + len(end)
            if is_exact or (
                star and is_longer and specifier.startswith(start) and specifier.endswith(end)
            ):
                middle = specifier[len(start) : len(specifier) - len(end)]
                return [target.replace("*", middle) for target in self._aliases[pattern]]
        return []

    def export(self, path: str, name: str) -> tuple[Module, str] | None:
        """Return the module that declares what a file exports under a name, and its name there."""
        seen: set[tuple[str, str]] = set()
        open_ = [(path, name)]
        while open_:
            key = open_.pop()
            module = self.module(key[0])
            if key in seen or module is None:
                continue
            seen.add(key)
            exported = module.exports.get(key[1])
            if isinstance(exported, str):
                return module, exported
            if exported:
                open_.append((self.resolve(exported.importer, exported.specifier), exported.name))
            elif key[1] != DEFAULT:
                open_ += [(self.resolve(key[0], each), key[1]) for each in module.everything_of]
        return None


def _candidates(path: str) -> Iterator[str]:
    yield path
    stem, extension = posixpath.splitext(path)
    for source in _COMPILED.get(extension, ()):
        yield stem + source
    for ending in EXTENSIONS:
        yield path + ending
    for ending in EXTENSIONS:
        yield f"{path}/index{ending}"


def _module(path: str, source: str) -> Module:
    data = source.encode("utf-8", "replace")
    is_plain = path.endswith(_WITHOUT_JSX)
    root = (parse_typescript(data) if is_plain else _JSX.parse(data)).root_node
    module = Module(path=path, root=root, scope=Scope(path, changing=_changing_names(root)))
    for statement in top_level(root):
        _read_statement(statement, module)
    return module


def _closing(root: Node) -> str:
    """Return the brackets that close those that are open at the end of the code."""
    opened: list[str] = []
    for leaf in sorted((node for node in _leaves(root)), key=lambda node: node.start_byte):
        if leaf.type in _BRACKETS:
            opened.append(_BRACKETS[leaf.type])
        elif opened and leaf.type == opened[-1]:
            opened.pop()
    return "".join(reversed(opened[-_MAX_OPEN:]))


def _leaves(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if node.child_count:
            stack.extend(node.children)
        else:
            yield node


def _changing_names(root: Node) -> frozenset[str]:
    """Return the names of variables (`x`) and properties (`.x`) that the file assigns to somewhere."""
    names: set[str] = set()
    for node in named_nodes(root):
        target = (
            node.child_by_field_name(_ASSIGNING[node.type]) if node.type in _ASSIGNING else None
        )
        if target is not None:
            names.update(_assigned_names(target))
    return frozenset(names)


def _assigned_names(target: Node) -> Iterator[str]:
    """Yield the names in a pattern, and that of a property with the dot before it."""
    if target.type == "member_expression":
        property_ = target.child_by_field_name("property")
        target = property_ if property_ is not None else target
    for part in named_nodes(target):
        if part.type == "property_identifier":
            yield f".{text(part)}"
        elif part.type in _IN_PATTERNS:
            yield text(part)


def top_level(root: Node) -> Iterator[Node]:
    """Yield the statements of a file, also those inside of errors."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type in ("program", "ERROR"):
            stack.extend(reversed(node.named_children))
        else:
            yield node


def _read_statement(node: Node, module: Module) -> None:
    match node.type:
        case "import_statement":
            for local, value in _imports(node, module.path):
                module.scope.declare(local, value)
        case "export_statement":
            _read_export(node, module)
        case _:
            hoist(node, module.scope)
            declare_lazily(node, module.scope)


def _imports(node: Node, path: str) -> Iterator[tuple[str, Imported]]:
    specifier = string_value(node.child_by_field_name("source")) or ""
    clause = next((part for part in node.named_children if part.type == "import_clause"), None)
    for part in children_of(clause):
        if part.type == "identifier":
            yield text(part), Imported(path, specifier, DEFAULT)
        elif part.type == "namespace_import" and part.named_children:
            yield text(part.named_children[0]), Imported(path, specifier, "*")
        for name, alias in _specifiers(part):
            yield alias, Imported(path, specifier, name)


def _specifiers(clause: Node) -> Iterator[tuple[str, str]]:
    """Yield the names in braces, each with its alias."""
    for part in clause.named_children:
        name = part.child_by_field_name("name")
        if part.type in ("import_specifier", "export_specifier") and name is not None:
            alias = part.child_by_field_name("alias")
            yield _name(name), _name(alias or name)


def _name(node: Node) -> str:
    return string_value(node) or text(node)


def _read_export(node: Node, module: Module) -> None:
    source = node.child_by_field_name("source")
    declaration = node.child_by_field_name("declaration")
    is_default = any(part.type == DEFAULT for part in node.children)
    if source is not None:
        _read_reexport(node, string_value(source) or "", module)
    elif declaration is not None:
        hoist(declaration, module.scope)
        declare_lazily(declaration, module.scope)
        names = list(declared_names(declaration))
        module.exports.update({name: name for name in names})
        if is_default and names:
            module.exports[DEFAULT] = names[0]
    elif is_default and (value := node.child_by_field_name("value")) is not None:
        _export_value(value, module)
    for part in node.named_children if source is None else ():
        module.exports.update({alias: name for name, alias in _specifiers(part)})


def _export_value(value: Node, module: Module) -> None:
    """Export an expression as the default, also under the name of its class."""
    name = value.child_by_field_name("name") if value.type in CLASSES else None
    local = text(name) if name is not None else "*default*"
    if value.type == "identifier":
        module.exports[DEFAULT] = text(value)
        return
    module.scope.declare(local, Lazy(value, module.scope))
    module.exports[DEFAULT] = local


def _read_reexport(node: Node, specifier: str, module: Module) -> None:
    for part in node.named_children:
        if part.type == "namespace_export" and part.named_children:
            name = text(part.named_children[0])
            module.scope.declare(name, Imported(module.path, specifier, "*"))
            module.exports[name] = name
        for name, alias in _specifiers(part):
            module.exports[alias] = Imported(module.path, specifier, name)
    if any(part.type == "*" for part in node.children):
        module.everything_of.append(specifier)


def declared_names(node: Node) -> Iterator[str]:
    """Yield the names that a declaration declares, without those in patterns."""
    declared = children_of(node) if node.type.endswith("al_declaration") else [node]
    declared = children_of(node) if node.type == "variable_declaration" else declared
    for part in declared:
        name = part.child_by_field_name("name")
        if name is not None and name.type in ("identifier", "type_identifier"):
            yield text(name)


def hoist(node: Node, scope: Scope) -> None:
    """Declare a function, a class or an enumeration, which can be used before its declaration."""
    name = node.child_by_field_name("name")
    if name is None:
        return
    if node.type in FUNCTIONS:
        scope.declare(text(name), Function(node, scope, text(name)))
    elif node.type in CLASSES:
        scope.declare(text(name), Class(node, scope, text(name)))
    elif node.type == "enum_declaration":
        scope.declare(text(name), _enumeration(node))


def _enumeration(node: Node) -> Fields:
    """Return the members of an enumeration whose values are strings."""
    members = Fields()
    for part in children_of(node.child_by_field_name("body")):
        name, value = part.child_by_field_name("name"), part.child_by_field_name("value")
        if name is not None:
            known = string_value(value)
            members.names[_name(name)] = None if known is None else Text((known,))
    return members


def declare_lazily(node: Node, scope: Scope) -> None:
    """Declare the variables of a declaration, with values that are evaluated when they are used."""
    if node.type not in ("lexical_declaration", "variable_declaration"):
        return
    for declarator in children_of(node):
        name, value = (declarator.child_by_field_name(part) for part in ("name", "value"))
        if name is not None and name.type == "identifier":
            scope.declare(text(name), None if value is None else Lazy(value, scope))
