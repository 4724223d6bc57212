"""The pipeline's tools, for real: tsc, npm, wrangler, and the target's API."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from audit.keyfile import private_folder
from deployments.cloudflare import naming
from deployments.cloudflare.wrangler_config import MAIN
from deployments.errors import CodeError, DeployError, Finding
from deployments.ports import Bundle, Callee, DeployRequest, Site
from deployments.tools import existing, npm, process, queues, wrangler
from deployments.tools.account import MAKES, Account
from deployments.tools.compile import CompileFailed, Diagnostic
from deployments.tools.loose import compile_loosely
from workflows.codegen.bindings import BindingKind
from workflows.codegen.module import GeneratedModule

TIMED_OUT = (
    "wrangler was {reason} and has been ended. The network or the target's API is slow or down: "
    "look at the target's state, then deploy again."
)
CHANGED = (
    "The Worker {worker} was last changed {by}, not by a deploy, and a deploy would undo that. "
    "Look at it on the target. To go on, undo the change with wrangler's rollback, or delete the "
    "Worker there; nothing has been uploaded."
)
_NOT_EMBEDDED = frozenset(
    {BindingKind.AI, BindingKind.VECTORIZE, BindingKind.HYPERDRIVE, BindingKind.BROWSER}
)
_CHANGED_BY = {"api": "through Cloudflare's API", "dash": "on Cloudflare's dashboard"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRan:
    """What a program printed, not yet redacted; `exit_code` None: it was ended at its limit."""

    program: str
    exit_code: int | None
    seconds: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the pipeline's runner wants to hear or be asked."""

    program_started: Callable[[int], None]
    program_ended: Callable[[ProgramRan], None]
    before_upload: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A workflow of the product: its name, and whether it is a "workflow" or a "script"."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTools:
    """`deploys` holds the temporary directories, `cache` Node's compiled code.

    `ours` finds a workflow of the product by its id.
    """

    account: Account
    ours: Callable[[str], Ours | None]
    deploys: Path
    cache: Path
    timeout: float
    name: str
    hooks: Hooks
    wrangler_version: str = field(default_factory=wrangler.version)

    def inspect(self, request: DeployRequest) -> Site:
        self.account.verify()
        worker = request.worker_name
        if not request.is_script:
            self._check_owner(worker)
        live = self.account.live(worker)
        if live.source in _CHANGED_BY:
            raise DeployError(CHANGED.format(worker=worker, by=_CHANGED_BY[live.source]))
        is_embedded = self.account.local_port is not None
        return Site(
            worker_url=self.account.worker_url(worker),
            dashboard_url=naming.dashboard_url(worker, self.account.account_id),
            live_version=live.version,
            secret_names=self.account.secret_names(worker),
            provides=MAKES if is_embedded else frozenset(),
            lacks=_NOT_EMBEDDED if is_embedded else frozenset(),
        )

    def _check_owner(self, worker: str) -> None:
        there = self.account.workflow(worker)
        if there and there.worker != worker:
            raise DeployError(
                f"The Workflow {worker} belongs to the Worker {there.worker} on this target, and "
                "would be taken over. Delete one of the two on the target first."
            )

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> str:
        with self.workspace() as folder:
            try:
                return compile_loosely(module, folder, dependencies=tuple(dependencies))
            except CompileFailed as failed:
                findings = [_located(found, module) for found in failed.diagnostics]
        raise CodeError("the code has type errors", findings)

    def callee(self, worker: str, class_name: str) -> Callee:
        ours = self.ours(worker)
        name = naming.worker_name(worker) if ours else worker
        if ours:
            there = self.account.workflow(name)
        else:
            there = self.account.workflow_of(name, class_name) if class_name else None
        return Callee(
            worker=name,
            is_deployed=self.account.has_worker(name),
            workflow=there.name if there else "",
            class_name=there.class_name if there else "",
            our_name=ours.name if ours else "",
            our_kind=ours.kind if ours else "",
        )

    def exists(self, kind: BindingKind, resource: str) -> bool:
        return existing.exists(self.account, kind, resource)

    def provide(self, kind: BindingKind, name: str) -> str:
        return self.account.find_or_create(kind, name)

    def consumers(self, queue: str) -> frozenset[str] | None:
        return queues.consumers(self.account, queue)

    def stop_consuming(self, queue: str, worker: str) -> None:
        queues.stop_consuming(self.account, queue, worker)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(dir=private_folder(self.deploys), prefix=f"{self.name}-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, folder: Path, bundle: Bundle) -> None:
        (folder / MAIN).write_text(bundle.script, encoding="utf-8")
        config = json.dumps(bundle.config, indent=2, ensure_ascii=False)
        (folder / "wrangler.json").write_text(config, encoding="utf-8")
        if bundle.secrets:
            _write_private(folder / wrangler.SECRETS, json.dumps(dict(bundle.secrets)))
        if bundle.dependencies:
            started, ended = self.hooks.program_started, self._ended("npm install")
            npm.install(folder, bundle.dependencies, on_start=started, on_end=ended)

    def upload(self, folder: Path, request: DeployRequest) -> str:
        self.hooks.before_upload()
        program = wrangler.Wrangler(account=self.account, cache=self.cache, timeout=self.timeout)
        ended = self._ended("wrangler deploy")
        try:
            return program.deploy(folder, on_start=self.hooks.program_started, on_end=ended)
        except process.ProgramTimeout as slow:
            ran = ProgramRan(
                program="wrangler deploy", exit_code=None, seconds=slow.seconds, text=slow.output
            )
            self.hooks.program_ended(ran)
            raise DeployError(TIMED_OUT.format(reason=slow)) from None

    def live_version(self, worker: str) -> str:
        return self.account.live(worker).version

    def _ended(self, program: str) -> Callable[[process.Finished], None]:
        def tell(ended: process.Finished) -> None:
            text = "\n".join(part.strip() for part in (ended.stdout, ended.stderr) if part.strip())
            ran = ProgramRan(
                program=program, exit_code=ended.exit_code, seconds=ended.seconds, text=text
            )
            self.hooks.program_ended(ran)

        return tell


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _located(found: Diagnostic, module: GeneratedModule) -> Finding:
    """Name the node and the line of the person's own code where the compiler found something."""
    place = module.locate(found.line, found.column)
    message = f"{found.message} ({found.code})" if found.code else found.message
    if place is None:
        return Finding(message=message, path=f"generated code, line {found.line}")
    return Finding(message=message, node_id=place.node_id, path=place.path, line=place.line)
