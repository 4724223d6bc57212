"""The pipeline's Tools, implemented with tsc, npm, wrangler and Cloudflare's API."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployments.pipeline.adapters import project_compiler, wrangler
from deployments.pipeline.adapters.bundler import Bundler, write_bundled, write_modules
from deployments.pipeline.adapters.remote_tools import ProgramRun, RemoteTools
from deployments.pipeline.errors import Cancelled, CodeError, LeaseLost
from deployments.pipeline.ports import (
    Bundle,
    Callee,
    CompiledCode,
    CompiledProject,
    DeployRequest,
    Site,
    Upload,
)
from deployments.pipeline.site_checks import needs_force
from targets.cloudflare import naming, queues, retries, tokens, versions, zones
from targets.cloudflare.account import LiveVersion, rate_limited
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.cloudflare.resources import CREATABLE, ResourceIds
from toolchain import process
from toolchain.private_files import private_folder
from toolchain.spare_programs import Spares
from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.lenient import compile_leniently
from workflows.compilation.typescript import CompileFailed, Diagnostic
from workflows.documents.projects.config import ProjectConfig
from workflows.ir.document.kinds import PROJECT
from workflows.ir.reading.bindings import BindingKind

TIMED_OUT = (
    "wrangler was {reason} and was stopped. The network or the target's API may be slow or down. Check "
    "which version is live on the target, then deploy again."
)
WRONG_ACCOUNT = (
    "The API token is active but not for the account {account}. Correct the target's account id, or "
    "set a token for that account."
)
_NOT_EMBEDDED = frozenset(
    {BindingKind.AI, BindingKind.VECTORIZE, BindingKind.HYPERDRIVE, BindingKind.BROWSER}
)
_MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWorkflow:
    """One of our workflows; `kind` is "workflow", "script" or "project"."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTools(RemoteTools):
    """Tools of one deployment; `deploys` holds temporary directories, `cache` Node's compiled code.

    `spares` are of wrangler. `tag` identifies the uploaded version. `ours` returns one of our workflows by id.
    """

    ours: Callable[[str], OwnWorkflow | None]
    deploys: Path
    cache: Path
    spares: Spares
    timeout: float
    name: str
    tag: str = ""
    wrangler_version: str = field(default_factory=wrangler.version)
    resource_ids: ResourceIds = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resource_ids", ResourceIds(self.account))

    def inspect(self, request: DeployRequest) -> Site:
        tokens.verify(self.account)
        worker, settings = request.worker_name, request.settings
        live = self._live_version(worker)
        subdomain = self.account.subdomain()
        hosted = [self.account.workflow(name) for name in request.workflows]
        is_embedded = self.account.local_port is not None
        return Site(
            worker_url=self.account.worker_url(worker, subdomain),
            dashboard_url=naming.dashboard_url(worker, self.account.account_id),
            live_version=live.version,
            source=live.source,
            live_tag=self._tag(request, live.version),
            split=live.split,
            workflow_owners={each.name: each.worker for each in hosted if each},
            workflow_jurisdictions={each.name: each.jurisdiction for each in hosted if each},
            has_subdomain=bool(subdomain),
            routes=zones.route_sites(self.account, settings.routes),
            domains=zones.domain_sites(self.account, settings.custom_domains),
            secret_names=self.account.secret_names(worker),
            creatable=CREATABLE if is_embedded else frozenset(),
            unsupported=_NOT_EMBEDDED if is_embedded else frozenset(),
        )

    def _tag(self, request: DeployRequest, live: str) -> str:
        """Return the live version's tag; "" without a call if our records know the version."""
        if live in ("", request.known_version):
            return ""
        return versions.version_tag(self.account, request.worker_name, live)

    def _live_version(self, worker: str) -> LiveVersion:
        """Return the live version; raises a clear error if the token is for another account."""
        try:
            return self.account.live(worker)
        except DeployError as error:
            may_be_wrong_account = error.cause in (Cause.PERMISSION, Cause.TARGET)
            if may_be_wrong_account and tokens.is_for_other_accounts(self.account):
                message = WRONG_ACCOUNT.format(account=self.account.account_id)
                raise DeployError(message, cause=Cause.CREDENTIALS) from None
            raise

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> CompiledCode:
        with self.workspace() as folder:
            try:
                compiled = compile_leniently(module, folder, dependencies=tuple(dependencies))
                warnings = [_as_finding(warning, module) for warning in compiled.warnings]
                return CompiledCode(script=compiled.script, warnings=tuple(warnings))
            except CompileFailed as failed:
                findings = [_as_finding(each, module) for each in failed.diagnostics]
        raise CodeError("the code has type errors", findings)

    def compile_project(self, request: DeployRequest) -> CompiledProject:
        project = request.project
        if project is None:
            raise ValueError("the workflow is not a project")
        with self.workspace() as folder, ThreadPoolExecutor(max_workers=1) as pool:
            checking = pool.submit(project_compiler.type_check, request, project, folder)
            compiled = self._bundle_project(request, project, checking)
            return replace(compiled, warnings=tuple(checking.result()))

    def _bundle_project(
        self, request: DeployRequest, project: ProjectConfig, checking: Future[list[Finding]]
    ) -> CompiledProject:
        """Bundle while the compiler checks the types; its errors explain more, so they come first."""
        on_end = self._on_end("npm install")
        try:
            return project_compiler.bundle_project(
                request, project, bundler=self.bundler, on_end=on_end
            )
        except (Cancelled, LeaseLost):
            raise
        except DeployError:
            checking.result()
            raise

    @property
    def bundler(self) -> Bundler:
        return Bundler(hooks=self.hooks, cache=self.cache, timeout=self.timeout, spares=self.spares)

    def callee(self, worker: str, class_name: str) -> Callee:
        ours = self.ours(worker)
        name = naming.worker_name(worker) if ours else worker
        classes: tuple[str, ...] = ()
        if class_name:
            workflow = self.account.workflow_of(name, class_name)
        elif ours and ours.kind == PROJECT:
            found = [each for each in self.account.workflows() if each.worker == name]
            workflow = found[0] if len(found) == 1 else None
            classes = tuple(sorted(each.class_name for each in found[1:] and found))
        else:
            workflow = self.account.workflow(name) if ours else None
        return Callee(
            worker=name,
            is_deployed=self.account.has_worker(name),
            workflow=workflow.name if workflow else "",
            class_name=workflow.class_name if workflow else "",
            our_name=ours.name if ours else "",
            our_kind=ours.kind if ours else "",
            classes=classes,
        )

    def provide(self, kind: BindingKind, name: str) -> str:
        self.hooks.before_write()
        return self.resource_ids.find_or_create(kind, name)

    def consumers(self, queue: str) -> frozenset[str] | None:
        return queues.consumers(self.account, queue)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(dir=private_folder(self.deploys), prefix=f"{self.name}-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write(self, folder: Path, bundle: Bundle) -> None:
        """Write the code first: while packages are bundled, no secret is in a file."""
        if bundle.dependencies:
            on_end = self._on_end("npm install")
            write_bundled(folder, bundle, bundler=self.bundler, on_end=on_end)
        else:
            code = folder / Path(bundle.config["main"]).parent
            write_modules(code, bundle.script.encode(), bundle.modules)
        config = json.dumps(bundle.config, indent=2, ensure_ascii=False)
        (folder / "wrangler.json").write_text(config, encoding="utf-8")
        if bundle.secrets:
            _write_private(folder / wrangler.SECRETS, json.dumps(dict(bundle.secrets)))

    def upload(self, folder: Path, request: DeployRequest, site: Site) -> Upload:
        """If wrangler fails after the upload, the new version is live but some parts are not done."""
        self._check_unchanged(request, site)
        is_strict = not needs_force(request, site)
        try:
            return Upload(version=self._upload_with_retries(folder, is_strict=is_strict))
        except (Cancelled, LeaseLost):
            raise
        except DeployError as error:
            live = self._uploaded_version(request.worker_name, before=site.live_version)
            if not live:
                raise
            return Upload(version=live, error=str(error))

    def _check_unchanged(self, request: DeployRequest, site: Site) -> None:
        """Raise DeployError if someone else deployed since `inspect`, which may be minutes ago."""
        live = self.account.live(request.worker_name).version
        if live != site.live_version and not request.overwrite:
            raise DeployError(
                f"Someone else deployed while this deployment was being built: the live version on "
                f"the target is now {live or 'none'}. Nothing was uploaded. Check that version, then "
                "adopt it or deploy with overwrite.",
                cause=Cause.CHANGED,
            )

    def _upload_with_retries(self, folder: Path, *, is_strict: bool) -> str:
        """Retry while the target is busy and has accepted nothing."""
        for retries_left in reversed(range(_MAX_ATTEMPTS)):
            self.hooks.before_write()
            try:
                return self._upload(folder, is_strict=is_strict)
            except wrangler.Busy as busy:
                if busy.seconds > retries.current().max_wait or not retries_left:
                    raise rate_limited(busy.seconds, "deploy") from None
                retries.current().wait(busy.seconds)
        raise AssertionError("unreachable")

    def _upload(self, folder: Path, *, is_strict: bool) -> str:
        program = wrangler.Wrangler(
            account=self.account,
            cache=self.cache,
            timeout=self.timeout,
            spares=self.spares,
            hide=self.hooks.hide,
        )
        on_end, on_start = self._on_end("wrangler deploy"), self.hooks.program_started
        try:
            return program.deploy(
                folder, tag=self.tag, is_strict=is_strict, on_start=on_start, on_end=on_end
            )
        except process.ProgramTimeout as slow:
            ran = ProgramRun(
                program="wrangler deploy",
                exit_code=None,
                seconds=slow.seconds,
                text=self.hooks.hide(slow.output),
            )
            self.hooks.program_ended(ran)
            raise DeployError(TIMED_OUT.format(reason=slow), cause=Cause.TIMEOUT) from None

    def _uploaded_version(self, worker: str, *, before: str) -> str:
        """Return the version that wrangler made live before it failed; "" if there is none."""
        try:
            live = self.account.live(worker).version
            is_ours = bool(live) and versions.version_tag(self.account, worker, live) == self.tag
        except DeployError:
            return ""
        return live if live != before and is_ours else ""

    def _on_end(self, program: str) -> Callable[[process.ProgramResult], None]:
        def report(ended: process.ProgramResult) -> None:
            outputs = (self.hooks.hide(ended.stdout), self.hooks.hide(ended.stderr))
            text = "\n".join(output.strip() for output in outputs if output.strip())
            ran = ProgramRun(
                program=program, exit_code=ended.exit_code, seconds=ended.seconds, text=text
            )
            self.hooks.program_ended(ran)

        return report


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _as_finding(error: Diagnostic, module: GeneratedModule) -> Finding:
    """Return the compiler's error with its node and the line in the user's own code."""
    origin = module.locate(error.line, error.column)
    message = f"{error.message} ({error.code})" if error.code else error.message
    if origin is None:
        return Finding(message=message, path=f"generated code, line {error.line}")
    return Finding(message=message, node_id=origin.node_id, path=origin.path, line=origin.line)
