"""A preview of the settings: the wrangler.json that a deploy would write, and what it requires.

It uses the pipeline's own functions. No target is contacted: values that only the target knows are
placeholders.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils import timezone

from deployments.pipeline import project_build
from deployments.pipeline.binding_detection import detect
from deployments.pipeline.code_build import build_bundle, generate
from deployments.pipeline.env_needs import needs_of_module, needs_of_project
from deployments.pipeline.ports import Callee, DeployRequest, Site
from deployments.pipeline.site_checks import check_site
from deployments.pipeline.worker_limits import check_limits
from deployments.queue.request_factory import bindings_of, variables_for
from targets.cloudflare import naming
from targets.cloudflare.errors import DeployError, Finding
from workflows.codegen.module.generate import GeneratedModule
from workflows.cron_words import Schedule, describe_crons
from workflows.documents.projects.config import read_config
from workflows.ir.deploy.deploy_settings import DeploySettings, Route
from workflows.ir.deploy.route_patterns import host_of, record_name
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.bindings import BINDING_ID, BindingKind
from workflows.models import Workflow
from workflows.node_types.registered import snapshot
from workflows.services import Variable

FOUND: Final = "<found during deployment>"
_NO_TRIGGER: Final = Trigger(kind="manual")
UNSET: Final = "<not set yet>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A DNS record that a route requires to be reachable."""

    route: Route

    @property
    def host(self) -> str:
        return host_of(self.route.pattern)

    @property
    def label(self) -> str:
        return record_name(self.host, self.route.zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The wrangler.json as text, or "" with the reasons in `findings`, which may also be warnings."""

    text: str = ""
    findings: tuple[Finding, ...] = ()
    records: tuple[Record, ...] = ()
    domains: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    queues: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        return not self.text


def preview(workflow: Workflow, settings: DeploySettings) -> Preview:
    """Return the preview of a deploy of the draft with these settings."""
    try:
        request = _request(workflow, settings)
        settings = request.settings
        config, findings = _of_project(request) if request.project else _of_graph(request)
    except DeployError as refused:
        return Preview(findings=refused.as_findings())
    return Preview(
        text=json.dumps(config, indent=2, ensure_ascii=False),
        findings=tuple(findings),
        records=tuple(Record(route=route) for route in settings.routes),
        domains=settings.custom_domains,
        schedules=tuple(describe_crons(_crons(config), timezone.now())),
        queues=tuple(
            consumer["queue"] for consumer in config.get("queues", {}).get("consumers", [])
        ),
    )


def _crons(config: Mapping[str, Any]) -> list[str]:
    """Return the schedules of the Worker and of its Workflow."""
    of_workflow = [
        cron for each in config.get("workflows", []) for cron in each.get("schedules", [])
    ]
    return list(dict.fromkeys([*config["triggers"]["crons"], *of_workflow]))


def _request(workflow: Workflow, settings: DeploySettings) -> DeployRequest:
    """Return the request; the settings of a project are those of its configuration."""
    project = read_config(workflow.files) if workflow.is_project else None
    return DeployRequest(
        ir=workflow.ir,
        entry_code=workflow.entry_code,
        dependencies=workflow.dependencies,
        class_name=workflow.class_name,
        worker_name=naming.worker_name(workflow.pk),
        variables=variables_for(workflow),
        bindings=bindings_of(project) if project else workflow.bindings,
        node_types=snapshot(workflow.ir),
        settings=project.settings if project else settings,
        files=workflow.files,
        project=project,
    )


def _of_project(request: DeployRequest) -> tuple[Mapping[str, Any], list[Finding]]:
    """Return the wrangler.json, and warnings, also about what a deploy would be refused for."""
    project, notes = project_build.readable(request)
    needs, site = needs_of_project(project, request), _site()
    env = detect(replace(needs, findings=()), request, site=site, tools=_Placeholders())
    bundle = build_bundle(request, "", env=env, trigger=_NO_TRIGGER, dependencies={})
    findings = [*notes, *needs.findings, *check_site(request, site), *check_limits(bundle, env)]
    return bundle.config, findings


def _of_graph(request: DeployRequest) -> tuple[Mapping[str, Any], list[Finding]]:
    """Return the wrangler.json and warnings; raises DeployError if the draft cannot be deployed."""
    module = generate(request)
    whole = replace(request, variables={**_unset(module, request), **request.variables})
    site = _site()
    env = detect(needs_of_module(module, whole), whole, site=site, tools=_Placeholders())
    bundle = build_bundle(
        whole, "", env=env, trigger=module.trigger, dependencies=module.dependencies
    )
    return bundle.config, [*check_site(whole, site), *check_limits(bundle, env)]


def _site() -> Site:
    return Site(worker_url="", dashboard_url="", live_version="", creatable=frozenset(BindingKind))


def _unset(module: GeneratedModule, request: DeployRequest) -> dict[str, Variable]:
    """Return a placeholder for each variable that the code uses and that is not set."""
    names = {
        use.name
        for use in module.env_uses
        if not isinstance(use.kind, BindingKind) and not use.name.endswith(BINDING_ID)
    }
    missing = names - request.variables.keys() - request.bindings.keys()
    return {
        name: Variable(name=name, value=UNSET, is_secret=False, origin="global") for name in missing
    }


class _Placeholders:
    """Stands in for a target that has every resource."""

    def exists(self, kind: BindingKind, resource: str) -> bool:
        return True

    def provide(self, kind: BindingKind, name: str) -> str:
        return FOUND

    def consumers(self, queue: str) -> frozenset[str]:
        return frozenset()

    def callee(self, worker: str, class_name: str) -> Callee:
        fields = ("name", "ir", "files", "class_name")
        own = Workflow.objects.filter(pk=worker).only(*fields).first()
        if own is None:
            workflow = FOUND if class_name else ""
            return Callee(worker=worker, is_deployed=True, workflow=workflow, class_name=class_name)
        name, first = naming.worker_name(own.pk), None
        if own.is_project:
            first = next(iter(read_config(own.files).workflows), None)
        return Callee(
            worker=name,
            is_deployed=True,
            workflow=first.name if first else name,
            class_name=first.class_name if first else own.class_name,
            our_name=own.name,
            our_kind=own.kind,
        )
