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

from deployments.adapters import npm, wrangler
from deployments.adapters.remote_tools import ProgramRun, RemoteTools
from deployments.pipeline.config.wrangler_config import MAIN
from deployments.pipeline.errors import Cancelled, CodeError, LeaseLost
from deployments.pipeline.ports import Bundle, Callee, DeployRequest, Site, Upload
from deployments.pipeline.site_checks import needs_force
from targets.cloudflare import naming, queues, resources, retries, tokens, versions, zones
from targets.cloudflare.account import LiveVersion, rate_limited
from targets.cloudflare.errors import Cause, DeployError, Finding
from targets.cloudflare.resources import CREATABLE
from toolchain import process
from toolchain.private_files import private_folder
from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.lenient import compile_leniently
from workflows.compilation.typescript import CompileFailed, Diagnostic
from workflows.ir.reading.bindings import BindingKind

TIMED_OUT = (
    "wrangler was {reason} and has been ended. The network or the target's API is slow or down: "
    "look at the target's state, then deploy again."
)
WRONG_ACCOUNT = (
    "The API token is active, and not for the account {account}. Correct the target's account id, "
    "or set a token of that account."
)
_NOT_EMBEDDED = frozenset(
    {BindingKind.AI, BindingKind.VECTORIZE, BindingKind.HYPERDRIVE, BindingKind.BROWSER}
)
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWorkflow:
    """A workflow of the product: its name, and whether it is a "workflow" or a "script"."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployTools(RemoteTools):
    """`deploys` holds the temporary directories, `cache` Node's compiled code.

    `tag` is the tag of the version that is uploaded, by which it is known again. `ours` finds a
    workflow of the product by its id.
    """

    ours: Callable[[str], OwnWorkflow | None]
    deploys: Path
    cache: Path
    timeout: float
    name: str
    tag: str = ""
    wrangler_version: str = field(default_factory=wrangler.version)

    def inspect(self, request: DeployRequest) -> Site:
        tokens.verify(self.account)
        worker, settings = request.worker_name, request.settings
        live = self._first_look(worker)
        subdomain = self.account.subdomain()
        workflow = None if request.is_script else self.account.workflow(worker)
        is_embedded = self.account.local_port is not None
        return Site(
            worker_url=self.account.worker_url(worker, subdomain),
            dashboard_url=naming.dashboard_url(worker, self.account.account_id),
            live_version=live.version,
            source=live.source,
            live_tag=self._tag(request, live.version),
            split=live.split,
            workflow_owner=workflow.worker if workflow else "",
            has_subdomain=bool(subdomain),
            routes=zones.route_sites(self.account, settings.routes),
            domains=zones.domain_sites(self.account, settings.custom_domains),
            secret_names=self.account.secret_names(worker),
            creatable=CREATABLE if is_embedded else frozenset(),
            unsupported=_NOT_EMBEDDED if is_embedded else frozenset(),
        )

    def _tag(self, request: DeployRequest, live: str) -> str:
        """What our records know needs no tag: that is a call less."""
        if live in ("", request.known_version):
            return ""
        return versions.version_tag(self.account, request.worker_name, live)

    def _first_look(self, worker: str) -> LiveVersion:
        """Return what is live; a token of another account is told from one without a permission."""
        try:
            return self.account.live(worker)
        except DeployError as refused:
            if refused.cause in (Cause.PERMISSION, Cause.TARGET) and tokens.is_for_other_accounts(
                self.account
            ):
                sentence = WRONG_ACCOUNT.format(account=self.account.account_id)
                raise DeployError(sentence, cause=Cause.CREDENTIALS) from None
            raise

    def compile(self, module: GeneratedModule, dependencies: Iterable[str]) -> str:
        with self.workspace() as folder:
            try:
                return compile_leniently(module, folder, dependencies=tuple(dependencies))
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

    def provide(self, kind: BindingKind, name: str) -> str:
        self.hooks.before_write()
        return resources.find_or_create(self.account, kind, name)

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
        (folder / MAIN).write_text(bundle.script, encoding="utf-8")
        config = json.dumps(bundle.config, indent=2, ensure_ascii=False)
        (folder / "wrangler.json").write_text(config, encoding="utf-8")
        if bundle.secrets:
            _write_private(folder / wrangler.SECRETS, json.dumps(dict(bundle.secrets)))
        if bundle.dependencies:
            started, ended = self.hooks.program_started, self._ended("npm install")
            npm.install(folder, bundle.dependencies, on_start=started, on_end=ended)

    def upload(self, folder: Path, request: DeployRequest, site: Site) -> Upload:
        """wrangler may fail after its upload: then the new version is live, and some parts are not."""
        self._check_unchanged(request, site)
        is_strict = not needs_force(request, site)
        try:
            return Upload(version=self._upload_patiently(folder, is_strict=is_strict))
        except (Cancelled, LeaseLost):
            raise
        except DeployError as refused:
            live = self._gone_live(request.worker_name, before=site.live_version)
            if not live:
                raise
            return Upload(version=live, error=str(refused))

    def _check_unchanged(self, request: DeployRequest, site: Site) -> None:
        """Between the first look and the upload minutes may pass, in which others deploy."""
        live = self.account.live(request.worker_name).version
        if live != site.live_version and not request.overwrite:
            raise DeployError(
                f"While this deployment was being built, version {live or 'none'} went live on the "
                "target, put there by somebody else. Nothing was uploaded. Look at it there; then "
                "adopt what is live, or deploy with overwrite.",
                cause=Cause.CHANGED,
            )

    def _upload_patiently(self, folder: Path, *, is_strict: bool) -> str:
        """Begin anew where the target was busy and has taken nothing."""
        for left in reversed(range(_TRIES)):
            self.hooks.before_write()
            try:
                return self._upload(folder, is_strict=is_strict)
            except wrangler.Busy as busy:
                if busy.seconds > retries.current().max_wait or not left:
                    raise rate_limited(busy.seconds, "take the deployment") from None
                retries.current().wait(busy.seconds)
        raise AssertionError("unreachable")

    def _upload(self, folder: Path, *, is_strict: bool) -> str:
        program = wrangler.Wrangler(
            account=self.account, cache=self.cache, timeout=self.timeout, hide=self.hooks.hide
        )
        ended, started = self._ended("wrangler deploy"), self.hooks.program_started
        try:
            return program.deploy(
                folder, tag=self.tag, is_strict=is_strict, on_start=started, on_end=ended
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

    def _gone_live(self, worker: str, *, before: str) -> str:
        """Return the version that wrangler put live although it failed; "" where it did not."""
        try:
            live = self.account.live(worker).version
            is_ours = bool(live) and versions.version_tag(self.account, worker, live) == self.tag
        except DeployError:
            return ""
        return live if live != before and is_ours else ""

    def _ended(self, program: str) -> Callable[[process.ProgramResult], None]:
        def tell(ended: process.ProgramResult) -> None:
            printed = (self.hooks.hide(ended.stdout), self.hooks.hide(ended.stderr))
            text = "\n".join(part.strip() for part in printed if part.strip())
            ran = ProgramRun(
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
