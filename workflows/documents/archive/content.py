"""What an archive contains, as immutable values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

FORMAT: Final = 1
"""The version of the format. A higher one is only needed if older readers would misread an archive."""

MAX_WORKFLOWS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowContent:
    """A workflow without its id, its versions and the values of its variables.

    `calls` maps the nodes that call a workflow of the same archive to the folder of that workflow, which
    the document then contains instead of an id. `variables` are the names of `env` that the code uses,
    with the kind of resource that their words suggest, or "variable".
    """

    name: str
    description: str
    document: Any
    entry_code: str = ""
    dependencies: Mapping[str, str] = field(default_factory=dict)
    bindings: Mapping[str, str] = field(default_factory=dict)
    deploy_settings: Mapping[str, Any] = field(default_factory=dict)
    tests: Sequence[Any] = ()
    calls: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeContent:
    """A version of a custom node type."""

    id: str
    version: str
    definition: Any
    template: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Workflows by folder, and the node types that they use."""

    workflows: Mapping[str, WorkflowContent]
    types: tuple[TypeContent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveProblem:
    """What is wrong with a file of an archive; `file` is "" for the archive itself."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" if self.file else self.message


class InvalidArchive(Exception):
    """The archive cannot be read; `problems` has all reasons."""

    def __init__(self, problems: list[ArchiveProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
