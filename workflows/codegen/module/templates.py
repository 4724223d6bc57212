"""The templates of a workflow's custom node types, each read and written once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tree_sitter import Node as TreeNode

from workflows.codegen.analysis.code_reader import NameUse
from workflows.codegen.analysis.import_header import ImportHeader, Origin
from workflows.codegen.module.template_shape import CONTEXT, Shape
from workflows.codegen.syntax.code_facts import CodeFacts, read_code
from workflows.codegen.syntax.env_uses import EnvNames, context_names, env_names
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.writer import Writer
from workflows.ir.custom.definition import Definition
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Custom, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.identifiers import Names
from workflows.ir.reading.problems import Problem, Severity, listed

Key = tuple[str, str]
_ALIASED_TYPE: Final = "type {name}<_A = any, _B = any, _C = any> = any;"


def type_key(type_: NodeType) -> Key:
    """Return the name and version that identify a type."""
    return type_.name, type_.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template and what it contains; `node` is the first node of its type.

    `env` are the names of `env` that it uses, even through its parameter, except the secrets of its
    fields.
    """

    custom: Custom
    node: Node
    shape: Shape
    code: CodeFacts
    env: EnvNames

    @property
    def definition(self) -> Definition:
        return self.custom.definition

    @property
    def path(self) -> str:
        return self.definition.label

    @property
    def problems(self) -> Iterator[Problem]:
        """Its mistakes, and the uses of `env` that cannot be analyzed."""
        shape = () if self.code.syntax.refused else self.shape.mistakes()
        for mistake in (*self.code.mistakes, *shape):
            yield Problem(path=self.path, message=str(mistake))
        for mistake in self.code.syntax.located(self.env.unreadable):
            yield Problem(
                path=f"{self.node.path}.type",
                message=str(mistake),
                node_id=self.node.id,
                severity=Severity.WARNING,
            )


def _template(node: Node, custom: Custom) -> Template:
    code = Code(custom.definition.label, custom.template, is_expression=False, references=())
    facts = read_code(code, allowed=custom.definition.dependencies)
    shape = Shape(facts.syntax)
    env = _env(facts, shape.parameter, custom.definition)
    return Template(custom=custom, node=node, shape=shape, code=facts, env=env)


def _env(facts: CodeFacts, parameter: TreeNode | None, definition: Definition) -> EnvNames:
    holders = {b"ctx", *([parameter.text or b""] if parameter else [])}
    used = env_names(facts.syntax, facts.bindings, holders)
    inner = context_names(parameter) if parameter else EnvNames()
    secrets = {field.variable for field in definition.secrets}
    names = [name for name in (*used.names, *inner.names) if name not in secrets]
    return EnvNames(tuple(names), (*used.unreadable, *inner.unreadable))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The names of a template in the module; `aliases` are those of its imports."""

    function: str
    context: str
    output: str
    aliases: Mapping[str, str]


class Templates:
    """The templates of these nodes, and what they contain.

    `uses` are the names of `env` in them and the secrets of their nodes; `optional` are secrets that
    are neither required nor set. `dependencies` are the packages of the workflow and of its types.
    """

    def __init__(
        self, nodes: Iterable[Node], *, variables: Collection[str], dependencies: Mapping[str, str]
    ) -> None:
        self.problems: list[Problem] = []
        self.uses: dict[NameUse, None] = {}
        self.optional: dict[str, None] = {}
        self._templates: dict[Key, Template] = {}
        self._names: dict[Key, _Names] = {}
        for node in nodes:
            if node.type.custom:
                self._add(node, node.type.custom, variables)
        self.dependencies = self._merged(dependencies)

    @property
    def functions(self) -> Mapping[Key, str]:
        """The function that each type's nodes call."""
        return {key: names.function for key, names in self._names.items()}

    @property
    def syntaxes(self) -> dict[Key, Syntax]:
        """The templates by the label of their type; the first part of the key is "", which no node has."""
        return {("", each.path): each.code.syntax for each in self._templates.values()}

    @property
    def source(self) -> str:
        """The code of all templates."""
        return "\n".join(template.custom.template for template in self._templates.values())

    def _add(self, node: Node, custom: Custom, variables: Collection[str]) -> None:
        """Add what a node needs; its template is read once per type."""
        key = type_key(node.type)
        if key not in self._templates:
            template = self._templates[key] = _template(node, custom)
            self.problems += template.problems
            for name in template.env.names:
                self.uses[NameUse(name=name, node_id=node.id, path=f"{node.path}.type")] = None
        for field in custom.definition.secrets:
            if field.variable in variables or custom.needs(node.settings, field):
                path = f"{node.path}.data.{field.name}"
                use = NameUse(name=field.variable, node_id=node.id, path=path, is_secret=True)
                self.uses[use] = None
            else:
                self.optional[field.variable] = None

    def _merged(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return all packages; two versions of one package are a problem."""
        merged, sources = dict(declared), dict.fromkeys(declared, "the workflow")
        for template in self._templates.values():
            for name, version in template.definition.dependencies.items():
                if merged.setdefault(name, version) != version:
                    self.problems.append(_two_versions(template, name, merged[name], sources[name]))
                sources.setdefault(name, template.path)
        return merged

    def assign_names(self, names: Names, header: ImportHeader, *, used: Collection[str]) -> None:
        """Choose unique names for each template, and move its imports to the module's header.

        None of the names is `used` in users' own code, where it would change the meaning.
        """
        if self._templates:
            names.reserve(used)
        for key, template in self._templates.items():
            self._names[key] = _assigned(template, names, header)

    def write(self, writer: Writer) -> None:
        """Write a function for each template."""
        for key, template in self._templates.items():
            self._write(template, self._names[key], writer)

    def _write(self, template: Template, names: _Names, writer: Writer) -> None:
        definition = template.definition
        writer.line()
        sends = bool(template.custom.request_helper)
        _context(definition, names.context, writer, sends_requests=sends)
        writer.line(f"type {names.output} = {definition.output};")
        writer.line()
        writer.line(f"/** The template of the {definition.label}. */")
        signature = f"(ctx: {names.context}) => Promise<{names.output}> | {names.output}"
        writer.line(f"const {names.function} = ((): ({signature}) => {{")
        with writer.indented():
            if CONTEXT not in names.aliases:
                writer.line(f"type {CONTEXT} = {names.context};")
            for name, alias in names.aliases.items():
                writer.line(f"const {name} = {alias};")
                writer.line(_ALIASED_TYPE.format(name=name))
            writer.line("{")
            writer.verbatim(*template.shape.pieces(template.path))
            with writer.indented():
                writer.line(template.shape.returned(template.path))
            writer.line("}")
        writer.line("})();")


def _two_versions(template: Template, name: str, other: str, source: str) -> Problem:
    version = template.definition.dependencies[name]
    message = (
        f"{source} needs {name} {other} and {template.path} needs {name} {version}, but a Worker "
        "can only have one version of a package: use the same version"
    )
    return Problem(path=f"dependencies.{name}", message=message, node_id=template.node.id)


def _assigned(template: Template, names: Names, header: ImportHeader) -> _Names:
    """Choose the names of a template, and move its imports to the header."""
    words = "".join(word.capitalize() for word in re.split(r"[-_]", template.node.type.name))
    function = names.unique(f"run{words}")
    context = names.unique(f"{words}Context")
    output = names.unique(f"{words}Output")
    aliases: dict[str, str] = {}
    for declaration, (line, column) in template.code.imports:
        new = [
            each if header.shares(each) else replace(each, local=names.unique(each.local))
            for each in declaration.bindings
        ]
        pairs = zip(declaration.bindings, new, strict=True)
        aliases |= {old.local: new.local for old, new in pairs if old.local != new.local}
        origin = Origin(node_id="", path=template.path, line=line, column=column)
        refused = list(header.add(replace(declaration, bindings=tuple(new)), origin))
        if refused:  # every name was chosen to be unique
            raise AssertionError(listed(refused))
    return _Names(function=function, context=context, output=output, aliases=aliases)


def _context(definition: Definition, name: str, writer: Writer, *, sends_requests: bool) -> None:
    """Write the type of the template's argument."""
    members = [
        f"{field.name}{'' if field.always_has_value else '?'}: {field.typescript}"
        for field in definition.fields
    ]
    writer.line(f"type {name} = {{")
    with writer.indented():
        writer.line(f"config: {{ {'; '.join(members)} }};" if members else "config: {};")
        writer.line("inputs: Record<string, any>;")
        writer.line("env: Env;")
        writer.line("attempt: number;")
        writer.line("idempotencyKey: string;")
        if sends_requests:
            writer.line("request: (request: NodeRequest) => Promise<any>;")
    writer.line("};")
