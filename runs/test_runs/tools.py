"""The pipeline's tools for a test run: every binding that the code needs is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from django.core.cache import cache

from deployments.pipeline.adapters.bundler import write_bundled
from deployments.pipeline.adapters.deploy_tools import DeployTools
from deployments.pipeline.adapters.remote_tools import Hooks
from deployments.pipeline.binding_detection import Env, detect
from deployments.pipeline.code_build import build_bundle, compile_module, generate
from deployments.pipeline.config.bindings import Binding
from deployments.pipeline.config.wrangler_config import MAIN
from deployments.pipeline.env_needs import needs_of_module
from deployments.pipeline.ports import Bundle, Callee, DeployRequest, Site
from deployments.queue import runner
from targets.cloudflare import naming, resources
from targets.cloudflare.account import Account
from targets.cloudflare.test_runs import TestWorker
from workflows.codegen.module.generate import GeneratedModule
from workflows.compilation.typescript import SCRATCH_PREFIX
from workflows.ir.reading.bindings import OWN_WORKFLOW, BindingKind
from workflows.services import Variable

_SECONDS_KEPT: Final = 3600
_NOT_SET: Final = "not-set-in-test-runs"
_SITE: Final = Site(
    worker_url="", dashboard_url="", live_version="", creatable=frozenset(BindingKind)
)
_FIELDS: Final[Mapping[BindingKind, tuple[str, str]]] = {
    BindingKind.KV: ("kv_namespace", "namespace_id"),
    BindingKind.D1: ("d1", "id"),
    BindingKind.R2: ("r2_bucket", "bucket_name"),
    BindingKind.QUEUE: ("queue", "queue_name"),
    BindingKind.ANALYTICS: ("analytics_engine", "dataset"),
    BindingKind.EMAIL: ("send_email", ""),
}
"""The type of a binding in the API, and the field with its resource; "" if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestTools(DeployTools):
    """Compiles and bundles; whatever the code refers to exists, as far as these tools know."""

    __test__ = False

    def exists(self, kind: BindingKind, resource: str) -> bool:
        return True

    def callee(self, worker: str, class_name: str) -> Callee:
        return Callee(
            worker=worker, is_deployed=True, workflow=worker, class_name=class_name or "Any"
        )

    def provide(self, kind: BindingKind, name: str) -> str:
        return name

    def consumers(self, queue: str) -> frozenset[str] | None:
        return frozenset()


def build_worker(
    request: DeployRequest, account: Account, *, replaced: Collection[str] = ()
) -> TestWorker:
    """Compile the request's code, and create the resources that it is bound to.

    Each is new and empty. Bindings that the embedded platform does not have, and those to other
    Workers, are left out. Variables that only the `replaced` nodes use need no value, because these
    nodes do not run. Raises DeployError with every problem of the code.
    """
    tools = _tools(account)
    module = generate(request)
    script = _compiled(module, request, tools)
    request = _with_stand_ins(request, module, replaced)
    env = detect(needs_of_module(module, request), request, site=_SITE, tools=tools)
    bundle = build_bundle(
        request, script, env=env, trigger=module.trigger, dependencies=module.dependencies
    )
    modules = _modules(bundle, tools)
    return TestWorker(
        name=request.worker_name,
        class_name=request.class_name,
        modules=modules,
        bindings=_bindings(env, request, account),
        compatibility_date=request.settings.compatibility_date,
        compatibility_flags=request.settings.compatibility_flags,
        step_limit=request.settings.workflow.step_limit,
    )


def _with_stand_ins(
    request: DeployRequest, module: GeneratedModule, replaced: Collection[str]
) -> DeployRequest:
    users: dict[str, set[str]] = {}
    for use in module.env_uses:
        users.setdefault(use.name, set()).add(use.node_id)
    stand_ins = {
        name: Variable(name=name, value=_NOT_SET, is_secret=False, origin="test")
        for name, nodes in users.items()
        if name not in request.variables and nodes <= set(replaced)
    }
    return replace(request, variables={**stand_ins, **request.variables})


def _tools(account: Account) -> TestTools:
    hooks = Hooks(
        program_started=lambda _pid: None,
        program_ended=lambda _ran: None,
        before_write=lambda: None,
    )
    return runner.tools_for(TestTools, account, hooks, name=f"{SCRATCH_PREFIX}test-run")


def _compiled(module: GeneratedModule, request: DeployRequest, tools: TestTools) -> str:
    """Compile the module; the result is kept, because a draft is often test-run many times."""
    content = "\0".join([module.source, *module.dependencies])
    key = f"test-run-{sha256(content.encode()).hexdigest()}"
    script: str | None = cache.get(key)
    if script is None:
        script = compile_module(module, request, tools).script
        cache.set(key, script, _SECONDS_KEPT)
    return script


def _modules(bundle: Bundle, tools: TestTools) -> dict[str, bytes]:
    """Return the main module, and the modules next to it that npm packages may have."""
    if not bundle.dependencies:
        return {MAIN: bundle.script.encode()}
    with tools.workspace() as folder:
        write_bundled(folder, bundle, bundler=tools.bundler, on_end=lambda _ended: None)
        others = sorted(path for path in folder.iterdir() if path.name != MAIN)
        return {path.name: path.read_bytes() for path in (folder / MAIN, *others)}


def _bindings(env: Env, request: DeployRequest, account: Account) -> list[dict[str, Any]]:
    variables = [
        {"name": name, "type": "plain_text", "text": text} for name, text in env.variables.items()
    ]
    secrets = [
        {"name": name, "type": "secret_text", "text": text} for name, text in env.secrets.items()
    ]
    bindings = [
        _binding(binding, request, account)
        for binding in env.bindings
        if binding.kind in _FIELDS or binding.name == OWN_WORKFLOW
    ]
    return [*variables, *secrets, *bindings]


def _binding(binding: Binding, request: DeployRequest, account: Account) -> dict[str, Any]:
    worker = request.worker_name
    if binding.name == OWN_WORKFLOW:
        own = {"workflow_name": worker, "class_name": request.class_name}
        return {"name": binding.name, "type": "workflow", **own}
    type_, field = _FIELDS[binding.kind]
    if not field:
        return {"name": binding.name, "type": type_}
    name = naming.resource_name(worker, binding.name)
    if binding.kind in resources.CREATABLE:
        name = resources.create(account, binding.kind, name).id
    return {"name": binding.name, "type": type_, field: name}
