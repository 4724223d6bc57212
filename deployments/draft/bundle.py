"""The bundled JavaScript of a draft that is a project."""

from __future__ import annotations

from django.conf import settings

from deployments.pipeline import project_build
from deployments.pipeline.adapters.bundler import Bundler
from deployments.pipeline.adapters.dry_run_tools import refuse_writes
from deployments.pipeline.adapters.project_compiler import bundle_project
from deployments.pipeline.adapters.remote_tools import Hooks
from deployments.pipeline.ports import DeployRequest
from deployments.queue.spares import spare_wranglers
from targets.cloudflare.naming import worker_name
from workflows.documents.projects.config import read_config
from workflows.models import Workflow


def bundled_script(workflow: Workflow) -> str:
    """Install the packages and bundle the files as a deploy does; raises DeployError."""
    request = DeployRequest(
        ir=workflow.ir,
        entry_code="",
        dependencies=workflow.dependencies,
        class_name=workflow.class_name,
        worker_name=worker_name(workflow.pk),
        variables={},
        files=workflow.files,
        project=read_config(workflow.files),
    )
    project, _ = project_build.readable(request)
    hooks = Hooks(
        program_started=lambda _pid: None,
        program_ended=lambda _ran: None,
        before_write=refuse_writes,
    )
    config = settings.AWAITSTEP
    bundler = Bundler(
        hooks=hooks,
        cache=config.data_dir / "node-cache",
        timeout=config.deploy_timeout,
        spares=spare_wranglers(),
    )
    return bundle_project(request, project, bundler=bundler, on_end=lambda _ended: None).script
