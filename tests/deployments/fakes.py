"""Fake tools for unit tests of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployments.pipeline.ports import (
    Bundle,
    Callee,
    CompiledCode,
    CompiledProject,
    DeployRequest,
    Site,
    Upload,
)
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import Part, Triggers
from workflows.codegen.module.generate import GeneratedModule
from workflows.ir.reading.bindings import BindingKind
from workflows.services import Variable


@dataclass
class FakeTools:
    """Records its calls, and fails at the call named `fails_at`."""

    fails_at: str = ""
    creatable: frozenset[BindingKind] = frozenset(BindingKind)
    unsupported: frozenset[BindingKind] = frozenset()
    live_before: str = ""
    live: str = "v1"
    wrangler_version: str = "4.0.0"
    existing_secrets: tuple[str, ...] = ()
    callees: tuple[Callee, ...] = ()
    absent: tuple[str, ...] = ()
    queues: dict[str, frozenset[str]] = field(default_factory=dict)
    actual: Triggers = field(default_factory=Triggers)
    upload_error: str = ""
    bundle: Bundle | None = None
    open_folders: int = 0
    calls: list[str] = field(default_factory=list)

    def _record(self, call: str) -> None:
        self.calls.append(call)
        if call == self.fails_at:
            raise DeployError(f"{call} failed")

    def inspect(self, request: DeployRequest) -> Site:
        self._record("inspect")
        return Site(
            worker_url="http://w",
            dashboard_url="http://d",
            live_version=self.live_before,
            secret_names=frozenset(self.existing_secrets),
            creatable=self.creatable,
            unsupported=self.unsupported,
        )

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> CompiledCode:
        self._record("compile")
        return CompiledCode(script="export default {}")

    def compile_project(self, request: DeployRequest) -> CompiledProject:
        self._record("compile")
        return CompiledProject(script="export default {}")

    def callee(self, worker: str, class_name: str) -> Callee:
        self._record(f"callee {worker}")
        matches = (each for each in self.callees if worker in (each.worker, each.our_name))
        return next(matches, Callee(worker=worker, is_deployed=False))

    def exists(self, kind: BindingKind, resource: str) -> bool:
        return resource not in self.absent

    def provide(self, kind: BindingKind, name: str) -> str:
        self._record("provide")
        return f"id-of-{name}"

    def consumers(self, queue: str) -> frozenset[str] | None:
        return self.queues.get(queue)

    def triggers(self, worker: str, scope: Triggers) -> Triggers:
        self._record("triggers")
        return self.actual

    def apply(self, worker: str, part: Part, expected: Triggers) -> None:
        self._record(f"apply {part}")

    def remove(self, worker: str, part: Part, previous: Triggers) -> None:
        self._record(f"remove {part}")

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        self.open_folders += 1
        try:
            yield Path("nowhere")
        finally:
            self.open_folders -= 1

    def write(self, folder: Path, bundle: Bundle) -> None:
        self._record("write")
        self.bundle = bundle

    def upload(self, folder: Path, request: DeployRequest, site: Site) -> Upload:
        self._record("upload")
        return Upload(version="v1", error=self.upload_error)

    def live_version(self, worker: str) -> str:
        self._record("live_version")
        return self.live


def document(code: str = "return 1;") -> dict[str, Any]:
    """Return the document of a workflow with one step."""
    step = {
        "id": "only",
        "type": "step",
        "name": "Only step",
        "version": "1.0.0",
        "provider": "cloudflare",
        "position": {"x": 0, "y": 0},
        "data": {"code": code},
    }
    return {
        "metadata": {
            "name": "One step",
            "version": 1,
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        },
        "trigger": {"type": "manual"},
        "entryNodeId": "only",
        "nodes": [step],
        "edges": [],
    }


def variable(name: str, value: str = "x", *, is_secret: bool = False) -> Variable:
    return Variable(name=name, value=value, is_secret=is_secret, origin="workflow")


def request(code: str = "return 1;", *variables: Variable) -> DeployRequest:
    return DeployRequest(
        ir=document(code),
        entry_code="",
        dependencies={},
        class_name="OneStep",
        worker_name="awaitstep-abc",
        variables={each.name: each for each in variables},
    )
