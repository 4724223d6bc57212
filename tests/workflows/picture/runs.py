"""Real runs of documents on the embedded platform, for tests of their pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.local_cloudflare.support.workers import (
    deploy_worker,
    describe_run,
    start_run,
    wait_for,
    workflow_binding,
)
from tests.support.platform_fixture import Platform
from tests.workflows.ir.documents import Document
from tests.workflows.programs.harness.workers import compiled
from workflows.ir.document.model import WorkflowIR
from workflows.nodes.documents import parse_valid
from workflows.picture.run_states import ENDED, node_states
from workflows.picture.states import NodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWithStates:
    """A run as the API reports it, and the states of its nodes in a picture."""

    ir: WorkflowIR
    status: str
    steps: list[dict[str, Any]]
    nodes: Mapping[str, NodeState] = field(default_factory=dict)

    @property
    def states(self) -> dict[str, str]:
        return {id_: str(node.state) for id_, node in self.nodes.items()}


RunDocument = Callable[..., RunWithStates]


@dataclass
class Runs:
    """Uploads each document once, as a separate Worker."""

    platform: Platform
    folder: Path
    names: dict[str, str] = field(default_factory=dict)

    def upload(self, document: Document) -> str:
        key = repr(document)
        if key not in self.names:
            name = f"picture-{len(self.names)}"
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            code = compiled({"Flow": document}, folder)["Flow"]
            deploy_worker(self.platform, name, code, workflow_binding(name))
            self.platform.client().workflows.update(
                name, account_id=self.platform.account_id, class_name="Flow", script_name=name
            )
            self.names[key] = name
        return self.names[key]

    def read(self, document: Document, name: str, instance: str) -> RunWithStates:
        run = describe_run(self.platform, name, instance).to_dict(mode="json", use_api_names=True)
        ir = parse_valid(document)
        nodes = node_states(ir, run["steps"], run["status"])
        return RunWithStates(ir=ir, status=run["status"], steps=run["steps"], nodes=nodes)

    def run(self, document: Document, *, shows: str = "", **payload: object) -> RunWithStates:
        """Run to the end, or until a node has a state (`shows="wait waiting"`)."""
        name = self.upload(document)
        instance = start_run(self.platform, name, **payload)

        node, _, state = shows.partition(" ")
        if shows:
            wait_for(lambda: self.read(document, name, instance).states[node], state)
        else:
            wait_for(lambda: self.read(document, name, instance).status, *ENDED)
        return self.read(document, name, instance)
