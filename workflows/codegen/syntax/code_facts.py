"""What one piece of code contains, read once: its mistakes, its imports, and its uses of `env`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from workflows.codegen.syntax import imports
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.env_uses import env_names
from workflows.codegen.syntax.imports import Binding, Declaration
from workflows.codegen.syntax.parser import Mistake, Syntax
from workflows.ir.reading.fields import Code

Position = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """A piece of code and what it contains.

    `mistakes` are errors, `unreadable` are uses of `env` that could be any name. The names that the code
    uses and declares are in `syntax`.
    """

    syntax: Syntax
    mistakes: tuple[Mistake, ...]
    imports: tuple[tuple[Declaration, Position], ...]
    env_names: tuple[str, ...]
    unreadable: tuple[Mistake, ...]

    @property
    def bindings(self) -> list[Binding]:
        """The names that the code imports."""
        return [binding for declaration, _ in self.imports for binding in declaration.bindings]


def read_code(code: Code, *, allowed: Collection[str]) -> CodeFacts:
    """Parse and read a piece of code that may import the `allowed` packages."""
    syntax = syntax_of(code)
    errors = syntax.mistakes()
    declarations = imports.declarations(syntax)
    wrong_imports = list(imports.mistakes(syntax, allowed))
    bindings = [binding for declaration in declarations for binding in declaration.bindings]
    env = env_names(syntax, bindings)
    return CodeFacts(
        syntax=syntax,
        mistakes=(*errors, *syntax.located(wrong_imports)),
        imports=tuple((each, syntax.position_of(each.node)) for each in declarations),
        env_names=env.names,
        unreadable=tuple(syntax.located(env.unreadable)),
    )
