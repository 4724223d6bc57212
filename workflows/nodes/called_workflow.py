"""The workflow that a node starts: one of this installation, or a class in any Worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.ir.document.kinds import WORKFLOW
from workflows.ir.document.node_types import Call
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_string
from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.nodes.sub_script import NAME_RULES

WORKFLOW_ID: Final = SettingField(
    name="workflowId",
    kind=FieldKind.TEXT,
    label="Workflow",
    help="The id of one of your workflows.",
    details="It must already be deployed to the same target",
    rules=NAME_RULES,
    suggests=WORKFLOW,
)
SCRIPT_NAME: Final = SettingField(
    name="scriptName",
    kind=FieldKind.TEXT,
    label="Other Worker",
    help="The name of any Worker on the target, instead of one of your workflows.",
    rules=NAME_RULES,
)
CLASS_NAME: Final = SettingField(
    name="className",
    kind=FieldKind.TEXT,
    label="Class in the other Worker",
    help="The name of the workflow class in that Worker.",
)
MAX_PAYLOAD: Final = 1024 * 1024  # bytes of JSON, on every plan


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledWorkflow:
    """`worker` is the id of a workflow or, with a class name, the name of any Worker."""

    worker: str
    class_name: str

    @property
    def call(self) -> Call:
        """The call, which needs a workflow binding."""
        return Call(kind="workflow", worker=self.worker, class_name=self.class_name)

    @property
    def label(self) -> str:
        """The workflow, or the Worker and the class."""
        return f"{self.worker} {self.class_name}".strip()


def read_called_workflow(data: Reader, *, class_name: str = "") -> CalledWorkflow:
    """Read the workflow; `class_name` is the class if the setting for it is missing."""
    class_name = read_string(data, CLASS_NAME) or class_name
    if class_name and not is_identifier(class_name):
        data.problem(CLASS_NAME.name, f"must be a valid class name, not {quoted(class_name)}")
    return CalledWorkflow(worker=_worker(data, class_name), class_name=class_name)


def _worker(data: Reader, class_name: str) -> str:
    script_name = read_string(data, SCRIPT_NAME)
    if script_name:
        data.string(WORKFLOW_ID.name, "")  # is not used, but must still be text
    workflow_id = "" if script_name else read_string(data, WORKFLOW_ID)
    if not workflow_id and not script_name:
        data.problem(
            WORKFLOW_ID.name,
            "is missing: write the id of a workflow, or the name of a Worker in `scriptName`",
        )
    if script_name and not class_name:
        data.problem(
            CLASS_NAME.name, "is missing: write the name of the workflow class in the Worker"
        )
    return script_name or workflow_id


PAYLOAD_HELPER: Final = f"""\
/** The bytes of a payload as JSON. One that cannot be sent fails the step: a run that gets a function never starts. */
function payloadSize(subject: string, payload: unknown): number {{
  try {{
    structuredClone(payload);
  }} catch (error: any) {{
    throw new NonRetryableError(`${{subject}} cannot be sent to another run: ${{error?.message}}`);
  }}
  let size = 0;
  const counted = (_: string, value: any) => {{
    if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) return typeof value === "bigint" ? String(value) : value;
    size += value.byteLength;
    return null;
  }};
  try {{
    size += new TextEncoder().encode(JSON.stringify(payload, counted)).byteLength;
  }} catch {{
    return 0; // not JSON: the platform decides
  }}
  if (size <= {MAX_PAYLOAD}) return size;
  throw new NonRetryableError(
    `${{subject}} has ${{size.toLocaleString("en-US")}} bytes, but Cloudflare accepts payloads of at most 1 MiB: store the data (R2, KV, D1) and send its key`,
  );
}}
"""
