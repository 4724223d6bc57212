"""`sub_workflow`: starts a run of another workflow, and waits for it or not."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.ir.fields import Code, Duration
from workflows.ir.node_types import NodeType
from workflows.ir.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One of ours by `workflow_id`, or any Worker's by script and class name."""

    workflow_id: str
    script_name: str
    class_name: str
    input: Code | None
    waits: bool
    timeout: Duration


def read(data: Reader) -> Settings:
    workflow_id = data.string("workflowId", "")
    script_name = data.string("scriptName", "")
    class_name = data.string("className", "") or data.string("workflowName", "")
    if not workflow_id and not script_name:
        data.problem("workflowId", "is missing: name a workflow, or a Worker by `scriptName`")
    if script_name and not class_name:
        data.problem("className", "is missing: name the workflow class of the Worker")
    code = data.code("input", is_expression=True, optional=True)
    return Settings(
        workflow_id=workflow_id,
        script_name=script_name,
        class_name=class_name,
        input=code if code.source.strip() else None,
        waits=data.flag("waitForCompletion", default=True),
        timeout=data.timeout("timeout", "5 minutes"),
    )


TYPE = NodeType(name="sub_workflow", title="Sub-workflow", read=read, output="any")
