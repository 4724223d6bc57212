"""What a test run has done so far, with secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from runs import statuses
from runs.detail.json_tree import read_json
from runs.models import TestRun
from runs.steps.masking import redact_run
from runs.steps.step_nodes import step_calls, with_handled_timeouts
from runs.steps.step_reader import Step, error_text, is_truncated, read_steps
from runs.test_runs import services
from targets.cloudflare import test_runs
from targets.cloudflare.errors import DeployError
from targets.lookup import account_for_test_runs
from toolchain.redaction import redact, redact_json
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.step_policy import is_sensitive
from workflows.masked_values import masked_values
from workflows.nodes.documents import parse
from workflows.nodes.library.registry import registry
from workflows.picture.run_states import node_states
from workflows.picture.states import NodeState
from workflows.picture.step_order import StepCall

LOST: Final = (
    "The embedded platform has restarted, and test runs do not survive that. Run the draft again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line that the code has logged, as "log", "warn" or "error"."""

    at: datetime
    level: str
    message: str


@dataclass(frozen=True)
class TestProgress:
    """A test run with its data in the format of Cloudflare's API; `problem` says why there is none."""

    __test__ = False

    run: TestRun
    data: Mapping[str, Any]
    problem: str = ""
    logs: tuple[LogLine, ...] = ()

    @property
    def status(self) -> str:
        return str(self.data.get("status") or "")

    @property
    def is_over(self) -> bool:
        return not self.data or statuses.is_final(self.status)

    @property
    def has_stopped(self) -> bool:
        """Whether it has stopped after the node that the user chose."""
        return bool(self.run.until) and self.status == "terminated"

    @property
    def can_be_saved(self) -> bool:
        """Whether the run has ended on its own, so that it can become a test."""
        return not self.run.until and self.status in ("complete", "errored")

    @property
    def label(self) -> str:
        """The status in words."""
        if not self.data:
            return "Lost"
        if self.status == "terminated":
            return "Stopped"
        return statuses.label(self.status)

    @property
    def error(self) -> str:
        return error_text(self.data.get("error"))

    @cached_property
    def ir(self) -> WorkflowIR | None:
        return parse(self.run.ir, registry(self.run.node_types)).ir

    @cached_property
    def _read_steps(self) -> tuple[Step, ...]:
        steps = read_steps(self.data, is_over=self.is_over)
        return tuple(step for step in steps if step.kind != "termination")

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        return with_handled_timeouts(self.ir, self._read_steps, self.calls)

    @cached_property
    def calls(self) -> Mapping[int, StepCall]:
        """The node of each step and its part in it, by the number of the step."""
        return step_calls(self.ir, self._read_steps)

    @cached_property
    def nodes(self) -> Mapping[int, str]:
        """The node of each step, by the number of the step."""
        return {number: call.node_id for number, call in self.calls.items()}

    @cached_property
    def states(self) -> Mapping[str, NodeState]:
        """The state of each node."""
        if self.ir is None or not self.data:
            return {}
        states = node_states(self.ir, [step.raw for step in self.steps], self.status)
        return {
            id_: replace(state, note="pinned") if id_ in self.run.pins else state
            for id_, state in states.items()
        }

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """The last output of each node, and the payload as that of the trigger; long ones are left out."""
        found = {"trigger": self.data.get("params")} if self.data else {}
        for step in self.steps:
            node_id, output = self.nodes.get(step.number), read_json(step.raw.get("output"))
            is_known = output is not None and not is_truncated(output) and not step.is_hidden
            if node_id and is_known and self.shows_output_of(step):
                found[node_id] = output
        return found

    def shows_output_of(self, step: Step) -> bool:
        """Return whether the step has the output of its node, and whether that is shown.

        That of a sensitive node is hidden.
        """
        call = self.calls.get(step.number)
        node = self.ir.nodes.get(call.node_id) if self.ir and call else None
        if call is None or node is None or is_sensitive(node.settings):
            return False
        return node.type.is_output(call.part, read_json(step.raw.get("output")))

    def steps_of(self, node_id: str) -> list[Step]:
        """Return the steps of a node, in the order in which they started."""
        return [step for step in self.steps if self.nodes.get(step.number) == node_id]


def progress_of(run: TestRun) -> TestProgress:
    """Read the run from the embedded platform."""
    try:
        data = services.read(run)
    except DeployError as error:
        return TestProgress(run=run, data={}, problem=str(error))
    if data is None:
        return TestProgress(run=run, data={}, problem=LOST)
    secrets = masked_values(run.workflow_id)
    return TestProgress(run=run, data=redact_run(data, secrets), logs=_logs(run, secrets))


def _logs(run: TestRun, secrets: frozenset[str]) -> tuple[LogLine, ...]:
    """Return what the code has logged; nothing if the platform does not respond."""
    try:
        lines = test_runs.logs(services.quick_account(), run.worker_name)
    except DeployError:
        return ()
    return tuple(
        LogLine(
            at=datetime.fromtimestamp(line["timestamp"] / 1000, tz=UTC),
            level=str(line["level"]),
            message=redact(str(line["message"]), secrets),
        )
        for line in lines
    )


def output_of(run: TestRun, step: Step) -> Any:
    """Return the whole output of a step, with secrets masked; raises LookupError if it has none."""
    account = account_for_test_runs()
    output = test_runs.step_output(account, run.worker_name, services.INSTANCE, step.name)
    return redact_json(output, masked_values(run.workflow_id))
