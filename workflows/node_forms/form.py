"""The form of one node or trigger: its controls in groups, each with its help and its problems."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from workflows.documentation.places import place_of_setting, url_of
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.triggers import TriggerType
from workflows.ir.reading import durations
from workflows.ir.reading.problems import Problem
from workflows.ir.settings.setting_field import FieldKind, Group, SettingField
from workflows.ir.tree.scope_names import ScopeName
from workflows.node_forms.controls import Choice, Control, ControlGroup, NodeForm, Row, Suggestion
from workflows.node_forms.field_kinds import ABSENT, Inputs, typed_duration
from workflows.node_forms.inputs import JSON_INPUT, shown
from workflows.node_forms.places import TRIGGER, Place, places_of, value_at

_NO_HINTS: Final[Mapping[str, str]] = {}
_MAX_PROBLEMS: Final = 500  # more than one for each row that a form can show
_TEMPLATES: Final[Mapping[FieldKind, str]] = {
    FieldKind.NAME: "text",
    FieldKind.NUMBER: "text",
    FieldKind.DURATION: "text",
    FieldKind.CODE: "code",
    FieldKind.JSON: "code",
    FieldKind.PAYLOAD: "code",
}


def node_form(
    node: Mapping[str, Any],
    type_: NodeType,
    *,
    problems: Iterable[Problem] = (),
    scope: Sequence[ScopeName] = (),
    set_variables: frozenset[str] | None = None,
    new_variable_url: str = "",
    suggestions: Callable[[str], Sequence[Suggestion]] | None = None,
    hints: Mapping[str, str] = _NO_HINTS,
) -> NodeForm:
    """Return the form of a node in a document, whether or not its settings are valid.

    `set_variables` are the names of variables that have a value; None if that is unknown.
    `new_variable_url` is the address of the form for a new variable, with a query; "" for none.
    `suggestions` returns the existing documents of a kind. `hints` are what happens if fields are left
    empty, by their names.
    """
    node_id = str(node.get("id", ""))
    own = [problem for problem in problems if problem.node_id == node_id]
    builder = _Builder(type_, node, node_id, f"nodes.{node_id}.", own, tuple(scope), set_variables)
    builder.new_variable_url = new_variable_url
    builder.suggestions = suggestions
    builder.hints = hints
    return builder.form()


def trigger_form(
    trigger: Mapping[str, Any], type_: TriggerType, *, problems: Iterable[Problem] = ()
) -> NodeForm:
    """Return the form of the trigger of a document."""
    own = [problem for problem in problems if problem.path.split(".")[0] == TRIGGER]
    return _Builder(type_, {TRIGGER: trigger}, "", "", own, (), None).form()


def element_id(node_id: str, name: str) -> str:
    """Return the id of the element for a node's field, in ASCII without spaces."""
    return f"field-{quote(node_id or TRIGGER, safe='')}-{name.replace('.', '-')}"


class _Builder:
    new_variable_url = ""
    suggestions: Callable[[str], Sequence[Suggestion]] | None = None
    hints: Mapping[str, str] = _NO_HINTS

    def __init__(
        self,
        type_: NodeType | TriggerType,
        holder: Mapping[str, Any],
        node_id: str,
        prefix: str,
        problems: list[Problem],
        scope: tuple[ScopeName, ...],
        set_variables: frozenset[str] | None,
    ) -> None:
        self._type = type_
        self._holder = holder
        self._node_id = node_id
        self._prefix = prefix
        self._problems = problems[:_MAX_PROBLEMS]
        self._scope = scope
        self._set_variables = set_variables

    def form(self) -> NodeForm:
        places = places_of(self._holder, self._type.fields)
        controls = [self._control(place) for place in places if self._is_offered(place)]
        placed = {problem for control in controls for problem in _all_problems(control)}
        return NodeForm(
            node_id=self._node_id,
            title=self._type.title,
            summary=self._type.summary,
            groups=tuple(_groups(controls)),
            other_problems=tuple(problem for problem in self._problems if problem not in placed),
            scope_id=self._scope_id,
            scope=self._scope,
        )

    @property
    def _scope_id(self) -> str:
        return element_id(self._node_id, "scope")

    def _is_offered(self, place: Place) -> bool:
        is_usual = place.field.group is not Group.COMPATIBILITY
        return is_usual or value_at(self._holder, place.path) is not ABSENT

    def _control(self, place: Place) -> Control:
        field, value = place.field, value_at(self._holder, place.path)
        contents = shown(field, value)
        name = f"{place.path}.{JSON_INPUT}" if contents.as_json else place.path
        text = (contents.inputs.get(JSON_INPUT) or contents.inputs.get("") or [""])[0]
        is_secret = field.kind is FieldKind.SECRET
        has_rows = field.kind is FieldKind.LIST and not contents.as_json
        return Control(
            field=field,
            node_id=self._node_id,
            name=name,
            id=element_id(self._node_id, place.path),
            template=JSON_INPUT if contents.as_json else _TEMPLATES.get(field.kind, field.kind),
            text=text,
            placeholder=field.placeholder or _default_text(field),
            hint=_hint(field, text) or ("" if text else self.hints.get(field.name, "")),
            problems=self._problems_at(place.path, has_rows=has_rows),
            inputs=contents.inputs,
            choices=_choices(field, contents.inputs),
            suggestions=self._suggested(field),
            rows=tuple(self._rows(place, contents.inputs)),
            is_hidden=not self._applies(field),
            is_secret_set=self._is_set(field),
            set_secret_url=self._set_secret_url(field),
            must_remove=is_secret and value not in (ABSENT, None, ""),
            scope_id=self._scope_id if field.takes_references and self._scope else "",
            docs_url=url_of(place_of_setting(self._type, place.path.partition(".")[2])),
        )

    def _suggested(self, field: SettingField) -> Sequence[Suggestion]:
        return self.suggestions(field.suggests) if self.suggestions and field.suggests else ()

    def _is_set(self, field: SettingField) -> bool | None:
        if not field.variable or self._set_variables is None:
            return None
        return field.variable in self._set_variables

    def _set_secret_url(self, field: SettingField) -> str:
        if self._is_set(field) is not False or not self.new_variable_url:
            return ""
        return f"{self.new_variable_url}&name={quote(field.variable)}&is_secret=1"

    def _applies(self, field: SettingField) -> bool:
        condition = field.shown_when
        if condition is None:
            return True
        value = value_at(self._holder, f"data.{condition.name}")
        default = condition.default
        return (default if value in (ABSENT, None) else value) in condition.values

    def _problems_at(self, path: str, *, has_rows: bool = False) -> tuple[Problem, ...]:
        """Return the problems of a field; those inside a list are shown in its rows."""
        full = f"{self._prefix}{path}"
        return tuple(
            problem
            for problem in self._problems
            if problem.path == full or (problem.path.startswith(f"{full}.") and not has_rows)
        )

    def _rows(self, place: Place, inputs: Inputs) -> Iterable[Row]:
        if place.field.kind is FieldKind.TABLE and JSON_INPUT not in inputs:
            names, values = inputs.get("name", ()), inputs.get("value", ())
            for index, (name, value) in enumerate([*zip(names, values, strict=True), ("", "")]):
                yield Row(
                    cells=(
                        self._cell(place, "name", name, index),
                        self._cell(place, "value", value, index),
                    )
                )
        if place.field.kind is FieldKind.LIST and JSON_INPUT not in inputs:
            count = sum(key.endswith(".rest") for key in inputs)
            for index in range(count + 1):
                yield self._item(place, inputs, index)

    def _cell(self, place: Place, part: str, text: str, index: int) -> Control:
        field = SettingField(
            name=part,
            kind=FieldKind.TEXT,
            label=f"{part.capitalize()} {index + 1}",
            placeholder=part.capitalize(),
            takes_references=place.field.takes_references,
        )
        id_ = element_id(self._node_id, f"{place.path}-{part}-{index}")
        return self._part(field, name=f"{place.path}.{part}", id_=id_, text=text)

    def _item(self, place: Place, inputs: Inputs, index: int) -> Row:
        base = f"{place.path}.{index}"
        cells = [
            self._part(
                part,
                name=f"{base}.{part.name}",
                id_=element_id(self._node_id, f"{base}.{part.name}"),
                text=(inputs.get(f"{index}.{part.name}") or [_new_text(part)])[0],
                problems=self._problems_at(f"{base}.{part.name}"),
            )
            for part in place.field.items
        ]
        rest = (inputs.get(f"{index}.rest") or [""])[0]
        return Row(
            cells=tuple(cells), rest_name=f"{base}.rest", rest=rest, remove_name=f"{base}.remove"
        )

    def _part(
        self,
        field: SettingField,
        *,
        name: str,
        id_: str,
        text: str,
        problems: tuple[Problem, ...] = (),
    ) -> Control:
        return Control(
            field=field,
            node_id=self._node_id,
            name=name,
            id=id_,
            template=_TEMPLATES.get(field.kind, field.kind),
            text=text,
            placeholder=field.placeholder,
            problems=problems,
            inputs={"": [text]},
            choices=_choices_in_row(field, text),
            scope_id=self._scope_id if field.takes_references and self._scope else "",
        )


def _choices_in_row(part: SettingField, text: str) -> tuple[Choice, ...]:
    """Return the options of a choice in a row. A switch is one, too, because a row without values is blank."""
    options = ("no", "yes") if part.kind is FieldKind.SWITCH else part.options
    return tuple(Choice(value=each, label=each, is_chosen=each == text) for each in options)


def _new_text(part: SettingField) -> str:
    """Return what an input in a new row contains."""
    if part.kind is FieldKind.SELECT:
        return str(part.default)
    return "no" if part.kind is FieldKind.SWITCH else ""


def _all_problems(control: Control) -> Iterable[Problem]:
    yield from control.problems
    for row in control.rows:
        for cell in row.cells:
            yield from cell.problems


def _choices(field: SettingField, inputs: Inputs) -> tuple[Choice, ...]:
    chosen = inputs.get("", ())
    options = [
        Choice(value=option, label=option, is_chosen=option in chosen) for option in field.options
    ]
    if field.kind is FieldKind.SELECT and field.default in field.options:
        return tuple(_marked_default(option, field, chosen) for option in options)
    if field.kind is FieldKind.SELECT:
        return (Choice(value="", label="none", is_chosen=not any(chosen)), *options)
    if field.kind is FieldKind.SWITCH and field.default is None:
        words = {"": "not set", "yes": "yes", "no": "no"}
        return tuple(
            Choice(value=value, label=label, is_chosen=value in chosen)
            for value, label in words.items()
        )
    return tuple(options)


def _marked_default(option: Choice, field: SettingField, chosen: Sequence[str]) -> Choice:
    if option.value != field.default:
        return option
    is_chosen = option.is_chosen or not any(chosen)
    return Choice(value=option.value, label=f"{option.label} (default)", is_chosen=is_chosen)


def _default_text(field: SettingField) -> str:
    match field.default:
        case None | bool() | list() | dict():
            return ""
        case default:
            return str(default)


def _hint(field: SettingField, text: str) -> str:
    """Return a duration in other words: "2 hours = 7,200,000 ms"."""
    if field.kind is not FieldKind.DURATION:
        return ""
    value = typed_duration(text.strip() or str(field.default or ""))
    length = value if isinstance(value, int) else durations.milliseconds(value or "")
    if length is None:
        return ""
    start = "" if text.strip() else "By default "
    words, exact = durations.words(length), f"{length:,} ms"
    return f"{start}{exact if words == exact else f'{words} = {exact}'}"


def _groups(controls: Sequence[Control]) -> Iterable[ControlGroup]:
    titles = {
        Group.MAIN: "Settings",
        Group.RETRIES: "Retries and timeout",
        Group.ROLLBACK: "Rollback",
        Group.COMPATIBILITY: "Settings from other tools",
    }
    for group, title in titles.items():
        own = tuple(control for control in controls if control.field.group is group)
        if own:
            yield ControlGroup(
                name=group,
                title=title,
                summary=_SUMMARIES[group](own) if group in _SUMMARIES else "",
                controls=own,
                is_open=group is Group.MAIN or any(control.problems for control in own),
            )


def _defaults(controls: Sequence[Control]) -> str:
    """Return the platform's defaults in words, or how many settings differ from them."""
    parts = {control.field.name: control.field.default for control in controls}
    changed = sum(bool(control.text) for control in controls)
    if changed:
        return f"{changed} changed"
    retries = f"{parts['retryLimit']} retries" if parts.get("retryLimit") else "no retries"
    delay = f", first after {parts['retryDelay']}" if parts.get("retryLimit") else ""
    timeout = f", at most {_words(parts['timeout'])} per attempt" if "timeout" in parts else ""
    return f"By default {retries}{delay}{timeout}"


def _rollback_summary(controls: Sequence[Control]) -> str:
    is_set = any(
        control.field.kind is FieldKind.CODE and control.text.strip() for control in controls
    )
    return "Undoes this node if the run fails" if is_set else "Nothing is undone if the run fails"


_SUMMARIES: Final[Mapping[Group, Callable[[Sequence[Control]], str]]] = {
    Group.RETRIES: _defaults,
    Group.ROLLBACK: _rollback_summary,
}


def _words(duration: Any) -> str:
    return durations.words(duration) if isinstance(duration, int) else str(duration)
