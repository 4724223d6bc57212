"""The rows of the page with a draft's variables and bindings."""

from __future__ import annotations

from dataclasses import dataclass

from audit.encrypted_fields import UnreadableSecret
from audit.models import Entry
from deployments.resources.services import KINDS
from targets.cloudflare.resource_ids import IDENTIFIERS
from workflows.ir.reading.bindings import BINDING_ID, BindingKind
from workflows.models import EnvironmentVariable


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variable by name: the stored one, None if it is missing, and whether the code uses it.

    `value` is None if it is secret or cannot be read. `last_set` is the entry in the audit trail for the
    last time that it was set; None if that is not recorded. `configured` is the value in the
    configuration of a project, if there is one; `is_required_secret` is whether that requires a secret.
    """

    name: str
    variable: EnvironmentVariable | None
    value: str | None
    is_used: bool
    last_set: Entry | None = None
    configured: str | None = None
    is_required_secret: bool = False

    @property
    def is_missing(self) -> bool:
        """Whether nothing provides it, or not as a secret."""
        if self.is_required_secret:
            return self.variable is None or not self.variable.is_secret
        return self.variable is None and self.configured is None

    @property
    def verb(self) -> str:
        """Return what can be done with the row."""
        if self.variable is not None:
            return "Edit"
        return "Set" if self.configured is None else "Override"

    @property
    def is_global(self) -> bool:
        return self.variable is not None and self.variable.workflow_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingRow:
    """A binding by name, and the variable that names its resource; `value` is None if that is not set.

    `configured` is the resource in the configuration of a project, and `line` where that is.
    """

    name: str
    kind: BindingKind
    value: str | None
    is_declared: bool
    is_used: bool
    configured: str = ""
    line: int = 0

    @property
    def variable(self) -> str:
        return self.name + BINDING_ID

    @property
    def needs_resource(self) -> bool:
        """Whether the binding refers to a resource; Workers AI and browsers belong to the account."""
        return self.kind in IDENTIFIERS

    @property
    def can_be_chosen(self) -> bool:
        """Whether the resources of a target can be listed."""
        return self.kind in KINDS

    @property
    def resource(self) -> str:
        """What the variable holds, such as "the id of the D1 database"."""
        return IDENTIFIERS[self.kind].words if self.needs_resource else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The rows of the page; `is_known` is False if no code could be generated.

    `configuration` is the name of a project's configuration file.
    """

    rows: list[Row]
    bindings: list[BindingRow]
    is_known: bool
    configuration: str = ""

    @property
    def missing(self) -> list[Row]:
        return [row for row in self.rows if row.is_missing]


def shown_value(variable: EnvironmentVariable) -> str | None:
    """Return the value of a variable; None if it is secret or cannot be read."""
    if variable.is_secret:
        return None
    try:
        return variable.value
    except UnreadableSecret:
        return None
