"""The templates of a workflow's custom node types, each read and written once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from workflows.codegen.analysis.code_reader import CodeReader
from workflows.codegen.module.template_shape import CONTEXT, Shape
from workflows.codegen.syntax import imports
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.env_uses import context_names, env_names
from workflows.codegen.syntax.imports import Declaration
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.writer import Writer
from workflows.ir.custom.definition import Definition
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Custom, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.identifiers import Names
from workflows.ir.reading.problems import Problem, listed

Key = tuple[str, str]
_ALIASED_TYPE: Final = "type {name}<_A = any, _B = any, _C = any> = any;"


def type_key(type_: NodeType) -> Key:
    """Return the name and version that identify a type."""
    return type_.name, type_.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A parsed template; `node` is the first node of its type."""

    custom: Custom
    node: Node
    syntax: Syntax
    shape: Shape

    @property
    def definition(self) -> Definition:
        return self.custom.definition

    @property
    def path(self) -> str:
        return self.definition.label


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """The names of a template in the module; `aliases` are those of its imports."""

    function: str
    context: str
    output: str
    aliases: Mapping[str, str]


class Templates:
    """Reads the templates along with all other code, then writes them.

    `optional` are secrets that are neither required nor set.
    """

    def __init__(
        self, nodes: Iterable[Node], *, reader: CodeReader, variables: Collection[str]
    ) -> None:
        self.optional: dict[str, None] = {}
        self._reader = reader
        self._variables = variables
        self._templates: dict[Key, Template] = {}
        self._names: dict[Key, _Names] = {}
        for node in nodes:
            if node.type.custom:
                self._read(node, node.type.custom)

    @property
    def functions(self) -> Mapping[Key, str]:
        """The function that each type's nodes call."""
        return {key: names.function for key, names in self._names.items()}

    @property
    def syntaxes(self) -> dict[tuple[str, str], Syntax]:
        """The templates by the label of their type; the first part of the key is "", as no node's."""
        return {("", template.path): template.syntax for template in self._templates.values()}

    @property
    def source(self) -> str:
        """The code of all templates."""
        return "\n".join(template.custom.template for template in self._templates.values())

    def _read(self, node: Node, custom: Custom) -> None:
        key = type_key(node.type)
        if key not in self._templates:
            label = custom.definition.label
            syntax = syntax_of(Code(label, custom.template, is_expression=False, references=()))
            template = Template(custom=custom, node=node, syntax=syntax, shape=Shape(syntax))
            self._templates[key] = template
            self._check(template)
            self._environment(template)
        self._secrets(node, custom.definition)

    def _check(self, template: Template) -> None:
        syntax, allowed = template.syntax, template.definition.dependencies
        code = syntax.mistakes()
        shape = () if syntax.refused else template.shape.mistakes()
        for mistake in (*code, *imports.mistakes(syntax, allowed), *shape):
            self._reader.refuse(mistake, node_id="", path=template.path)

    def _secrets(self, node: Node, definition: Definition) -> None:
        for field in definition.secrets:
            if field.required or field.variable in self._variables:
                path = f"{node.path}.data.{field.name}"
                self._reader.use_secret(field.variable, node_id=node.id, path=path)
            else:
                self.optional[field.variable] = None

    def _environment(self, template: Template) -> None:
        """Add the names of `env` that the template uses, except the secrets of its fields."""
        parameter, syntax = template.shape.parameter, template.syntax
        holders = {b"ctx", *([parameter.text or b""] if parameter else [])}
        secrets = {field.variable for field in template.definition.secrets}
        parts = [env_names(syntax, holders)]
        if parameter:
            parts.append(context_names(syntax, parameter))
        for part in parts:
            part.names = [name for name in part.names if name not in secrets]
            path = f"{template.node.path}.type"
            self._reader.add_env(part, node_id=template.node.id, path=path)

    def dependencies(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Return the packages of the workflow and its types; reject two versions of one package."""
        merged, sources = dict(declared), dict.fromkeys(declared, "the workflow")
        for template in self._templates.values():
            for name, version in template.definition.dependencies.items():
                if merged.setdefault(name, version) != version:
                    self._refuse_version(template, name, merged[name], sources[name])
                sources.setdefault(name, template.path)
        return merged

    def _refuse_version(self, template: Template, name: str, other: str, source: str) -> None:
        version = template.definition.dependencies[name]
        message = (
            f"{source} needs {name} {other} and {template.path} needs {name} {version}, but a Worker "
            "can only have one version of a package: use the same version"
        )
        self._reader.problems.append(
            Problem(path=f"dependencies.{name}", message=message, node_id=template.node.id)
        )

    def assign_names(self, names: Names) -> None:
        """Choose unique names for each template and its imports.

        None of them occurs in users' own code, where it would change the meaning.
        """
        if self._templates:
            names.reserve(self._reader.names())
        for key, template in self._templates.items():
            words = "".join(word.capitalize() for word in re.split(r"[-_]", key[0]))
            self._names[key] = _Names(
                function=names.unique(f"run{words}"),
                context=names.unique(f"{words}Context"),
                output=names.unique(f"{words}Output"),
                aliases=dict(self._imports(template, names)),
            )

    def _imports(self, template: Template, names: Names) -> Iterator[tuple[str, str]]:
        """Move the imports to the module's header, and yield those that are renamed there."""
        header = self._reader.import_header
        for declaration in imports.declarations(template.syntax):
            bindings = []
            for binding in declaration.bindings:
                shared = header.shares(binding)
                alias = binding.local if shared else names.unique(binding.local)
                bindings.append(replace(binding, local=alias))
                if alias != binding.local:
                    yield binding.local, alias
            self._move(replace(declaration, bindings=tuple(bindings)), template)

    def _move(self, declaration: Declaration, template: Template) -> None:
        refused = list(self._reader.import_header.add(declaration, node_id="", path=template.path))
        if refused:  # every name was chosen to be unique
            raise AssertionError(listed(refused))

    def write(self, writer: Writer) -> None:
        """Write a function for each template."""
        for key, template in self._templates.items():
            self._write(template, self._names[key], writer)

    def _write(self, template: Template, names: _Names, writer: Writer) -> None:
        definition = template.definition
        writer.line()
        _context(definition, names.context, writer)
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


def _context(definition: Definition, name: str, writer: Writer) -> None:
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
    writer.line("};")
