"""`sub_script`: sends a request to another Worker of the same account, in a durable step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Call, Category, NodeType, single_request
from workflows.ir.document.step_policy import StepPolicy
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_string
from workflows.ir.settings.patterns import read_pattern
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField
from workflows.nodes import http_request
from workflows.nodes.http_request import read_step, write_callback

NAME_RULES: Final = Rules(
    pattern=read_pattern(r"^[a-z0-9_][a-z0-9_-]{0,62}$"),
    pattern_rule="must be the name of a Worker (a-z, 0-9, _ and -, at most 63 characters)",
)
WORKER: Final = SettingField(
    name="workerName",
    kind=FieldKind.TEXT,
    label="Worker",
    help="The id of one of your scripts, or the name of any Worker on the target.",
    details="Your [script](../scripts.md) must already be deployed",
    required=True,
    rules=NAME_RULES,
    suggests=SCRIPT,
)
_CHANGES: Final[dict[str, dict[str, Any]]] = {
    "method": {"default": "POST"},
    "url": {
        "label": "Path",
        "help": "The path of the request.",
        "required": False,
        "default": "/",
        "placeholder": "/path",
    },
}
FIELDS: Final = (
    WORKER,
    *(replace(field, **_CHANGES.get(field.name, {})) for field in http_request.FIELDS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`worker` is the name of a Worker, or the id of a script in this installation."""

    worker: str
    step: http_request.Settings

    @property
    def policy(self) -> StepPolicy:
        """The policy of the step that sends the request."""
        return self.step.policy


def read(data: Reader) -> Settings:
    """Read the Worker and the request: by default a POST to `/`."""
    return Settings(worker=read_string(data, WORKER), step=read_step(data, FIELDS))


def calls(settings: Settings) -> Call:
    """Return the call, which needs a service binding."""
    return Call(kind="service", worker=settings.worker)


def about(settings: Settings) -> str:
    """Return the Worker and the request."""
    return f"{settings.worker}: {settings.step.request.label}"


def callback(node: Node, out: Emitter) -> None:
    """Write the function that sends the request via the service binding."""
    via = out.child_binding(calls(node.settings))
    write_callback(node, out, settings=node.settings.step, via=via)


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that sends the request."""
    out.durable_step(node, node.settings.policy)


TYPE = NodeType(
    name="sub_script",
    title="Sub-script",
    category=Category.CALL_OTHERS,
    summary="Sends a request to another Worker on the target, directly from Worker to Worker.",
    docs="nodes/sub_script.md",
    icon="sub_script",
    fields=FIELDS,
    example={"workerName": "your-script"},
    about=about,
    read=read,
    output="HttpResponse",
    callback=callback,
    emit=emit,
    calls=calls,
    request_count=single_request,
)
