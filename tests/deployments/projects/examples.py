"""Small projects for tests, and their deployments to a platform."""

from __future__ import annotations

from typing import Any

from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from targets.models import Target
from tests.targets.cloudflare import accounts
from workflows.documents.projects.files import ProjectFiles
from workflows.models import Workflow
from workflows.projects import import_project

CONFIG = """\
name = "small"
main = "src/index.ts"
compatibility_date = "2026-11-01"

[[workflows]]
name = "{name}"
binding = "FLOW"
class_name = "{class_name}"
"""
CODE = """\
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
%(imports)s
export class %(class_name)s extends WorkflowEntrypoint<Env> {
  async run(event: WorkflowEvent<{ n: number }>, step: WorkflowStep) {
    return await step.do("answer", async () => { %(body)s });
  }
}
export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return Response.json(await (async () => { %(fetched)s })());
  },
};
"""


def code(
    body: str = "return 1;",
    *,
    imports: str = "",
    class_name: str = "Flow",
    fetched: str = "return 1;",
) -> str:
    """Return a main module; `body` is the code of its step, `fetched` that of its handler."""
    return CODE % {"imports": imports, "class_name": class_name, "body": body, "fetched": fetched}


def config(name: str, more: str = "", *, class_name: str = "Flow") -> str:
    return CONFIG.format(name=name, class_name=class_name) + more


def files(
    name: str, main: str = "", more: str = "", *, class_name: str = "Flow", **others: Any
) -> ProjectFiles:
    """Return the files of a project whose Workflow has this name.

    `main` is its main module, `more` is added to its configuration.
    """
    return {
        "wrangler.toml": config(name, more, class_name=class_name),
        "src/index.ts": main or code(class_name=class_name),
        **others,
    }


def deployed(project: Workflow | ProjectFiles, target: Target, **consent: Any) -> Deployment:
    """Deploy the project, which must succeed."""
    workflow = project if isinstance(project, Workflow) else import_project(project)
    done = accounts.deploy(workflow, target, **consent)
    assert done.state is Status.SUCCEEDED, done.message
    return done


def refused(project: Workflow | ProjectFiles, target: Target) -> Deployment:
    """Deploy the project, which must fail before anything is uploaded."""
    workflow = project if isinstance(project, Workflow) else import_project(project)
    done = accounts.deploy(workflow, target)
    assert done.state is Status.FAILED
    assert not done.version_id
    return done


def last_stage(deployment: Deployment) -> str:
    """Return the stage in which a deployment failed."""
    stages = [record.stage for record in deployment.records.order_by("number")]
    return str(stages[-1] if stages[-1] != Stage.FAILED else stages[-2])


def replaced(workflow: Workflow, new: ProjectFiles) -> Workflow:
    """Replace the files of a project."""
    return import_project(new, into=workflow)
