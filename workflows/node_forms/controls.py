"""What a form consists of, as its templates render it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from workflows.ir.reading.problems import Problem
from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.ir.tree.scope_names import ScopeName
from workflows.node_forms.field_kinds import EXPRESSION, Inputs
from workflows.node_forms.inputs import JSON_INPUT

_ZONES: Final = (
    "-12:00", "-11:00", "-10:00", "-09:30", "-09:00", "-08:00", "-07:00", "-06:00", "-05:00", "-04:00",
    "-03:30", "-03:00", "-02:00", "-01:00", "Z", "+01:00", "+02:00", "+03:00", "+03:30", "+04:00", "+04:30",
    "+05:00", "+05:30", "+05:45", "+06:00", "+06:30", "+07:00", "+08:00", "+08:45", "+09:00", "+09:30",
    "+10:00", "+10:30", "+11:00", "+12:00", "+12:45", "+13:00", "+14:00",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An option of a select or of several check boxes."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value that a text input offers, and its name."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table or list: its cells, and the other members of its object, as JSON."""

    cells: tuple[Control, ...]
    rest_name: str = ""
    rest: str = ""
    remove_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One field of a form: `template` is a partial in `templates/workflows/fields/`.

    `suggestions` are values that a text input offers.
    `name` is the name of its first input and the path of its value, such as `data.url`; `text` is the
    content of that input. `is_hidden` is true if the node's other settings make the field irrelevant.
    """

    field: SettingField
    node_id: str
    name: str
    id: str
    template: str
    text: str = ""
    placeholder: str = ""
    hint: str = ""
    problems: tuple[Problem, ...] = ()
    inputs: Inputs
    choices: tuple[Choice, ...] = ()
    suggestions: Sequence[Suggestion] = ()
    rows: tuple[Row, ...] = ()
    is_hidden: bool = False
    is_secret_set: bool | None = None
    set_secret_url: str = ""
    must_remove: bool = False
    scope_id: str = ""
    docs_url: str = ""

    @property
    def described_by(self) -> str:
        """The ids of the elements that describe the control, for `aria-describedby`."""
        parts = (("help", self.field.help), ("hint", self.hint), ("problems", self.problems))
        return " ".join(f"{self.id}-{part}" for part, content in parts if content)

    @property
    def is_group(self) -> bool:
        """Whether the control has several inputs that share one label."""
        return self.template in ("table", "list", "multiselect", "secret")

    @property
    def is_multiline(self) -> bool:
        return self.field.is_multiline or "\n" in self.text

    @property
    def is_json(self) -> bool:
        return self.template == JSON_INPUT or self.field.kind in (FieldKind.JSON, FieldKind.PAYLOAD)

    @property
    def has_errors(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    @property
    def is_checked(self) -> bool:
        return self.text == "yes"

    @property
    def takes_expression(self) -> bool:
        """Whether there is an input for an expression next to the control."""
        is_text = self.template in ("text", "code", "json", "table", "list", "secret")
        return not is_text and (self.field.takes_references or bool(self.expression))

    @property
    def expression(self) -> str:
        return (self.inputs.get(EXPRESSION) or [""])[0]

    @property
    def zone(self) -> str:
        return (self.inputs.get("zone") or ["Z"])[0]

    @property
    def zones(self) -> tuple[str, ...]:
        """The available time zones, as offsets from UTC; "Z" is UTC."""
        return _ZONES if self.zone in _ZONES else (*_ZONES, self.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlGroup:
    """Controls that are shown together; a folded group has a title, and a summary of its settings."""

    name: str
    title: str
    summary: str
    controls: tuple[Control, ...]
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeForm:
    """The form of a node, or of the trigger, whose `node_id` is ""."""

    node_id: str
    title: str
    summary: str
    groups: tuple[ControlGroup, ...]
    other_problems: tuple[Problem, ...]
    scope_id: str
    scope: tuple[ScopeName, ...]

    @property
    def scope_data(self) -> list[dict[str, str]]:
        """The names in scope, as JSON for scripts."""
        return [{"name": name.name, "title": name.title, "type": name.type} for name in self.scope]
