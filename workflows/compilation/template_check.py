"""Checks the code of a custom node type before it can be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workflows.codegen.analysis.import_header import ImportHeader
from workflows.codegen.module.templates import Templates
from workflows.codegen.module.worker_env import EnvUse, types_of, write_interface
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.parser import Syntax
from workflows.codegen.text.writer import Location, Writer
from workflows.ir.custom.definition import Definition
from workflows.ir.document.model import Node
from workflows.ir.reading.fields import Code
from workflows.ir.reading.identifiers import Names
from workflows.ir.reading.problems import Problem
from workflows.nodes.custom import custom_type


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateCheck:
    """The result of a check: a module with only the template, or "" if the template has errors.

    Problems in the template have the type's label as their path.
    """

    source: str
    problems: tuple[Problem, ...]
    syntaxes: Mapping[tuple[str, str], Syntax]
    _writer: Writer

    def locate(self, line: int, column: int) -> Location | None:
        """Return where in the template a position in the module comes from."""
        return self._writer.locate(line, column)


def check_template(definition: Definition, template: str) -> TemplateCheck:
    """Check the exports, imports and syntax of a template, and the defaults of its type."""
    writer, type_ = Writer(), custom_type(definition, template)
    node = Node(id="node", type=type_, name="node", settings=None, fields=())
    variables = {field.variable for field in definition.secrets}
    templates = Templates([node], variables=variables, dependencies={})
    problems = [*_template_problems(templates, definition), *_default_problems(definition)]
    if not any(problem.is_error for problem in problems):
        _write(templates, writer, helper=type_.custom.request_helper if type_.custom else "")
    return TemplateCheck(
        source=writer.source,
        problems=tuple(problems),
        syntaxes=templates.syntaxes,
        _writer=writer,
    )


def _template_problems(templates: Templates, definition: Definition) -> Iterator[Problem]:
    """Yield the problems in the template, without the node that was a placeholder for real ones."""
    for problem in templates.problems:
        yield Problem(path=definition.label, message=problem.message, severity=problem.severity)


def _default_problems(definition: Definition) -> Iterator[Problem]:
    """Yield the syntax errors of defaults that are code."""
    for field in definition.fields:
        if field.is_expression and field.default is not None:
            path = f"configSchema.{field.name}.default"
            code = Code(path, field.default, is_expression=True, references=())
            for mistake in syntax_of(code).mistakes():
                yield Problem(path=path, message=str(mistake))


def _write(templates: Templates, writer: Writer, *, helper: str) -> None:
    header = ImportHeader()
    templates.assign_names(Names(), header, used=())
    header.need_named("\n".join([templates.source, helper]))
    header.write(writer)
    uses = [
        EnvUse(name=use.name, kind="variable" if use.is_secret else None, node_id="", path="")
        for use in templates.uses
    ]
    write_interface(types_of(uses, {}), optional=(), writer=writer)
    if helper:
        writer.line()
        writer.text_block(helper)
    templates.write(writer)
