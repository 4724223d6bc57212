"""The addresses of all kinds of pages, and the ids in them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.documents import make_project, make_workflow
from tests.support.installation import Installation
from tests.workflows.ir.documents import chain, node

PAGES = [
    "/",
    "/deployments/{pk}/",
    "/deployments/{replaced}/",
    "/deployments/{pk}/code/",
    "/deployments/{pk}/wrangler-json/",
    "/deployments/{pk}/variables/",
    "/deployments/{pk}/snapshot/",
    "/deployments/{pk}/picture/",
    "/deployments/{pk}/rollback/",
    "/workflows/{workflow}/deploy/",
    "/workflows/{workflow}/settings/",
    "/workflows/{workflow}/live/",
    "/workflows/{workflow}/code/",
    "/workflows/{workflow}/code/wrangler-json/",
    "/workflows/{workflow}/code/document/",
    "/workflows/{workflow}/variables/",
    "/workflows/{workflow}/versions/",
    "/workflows/{workflow}/versions/1/",
    "/workflows/{workflow}/versions/1/typescript/",
    "/workflows/{workflow}/versions/1/settings/",
    "/workflows/{workflow}/versions/1/restore/",
    "/workflows/{workflow}/versions/compare/?from=v1&to=draft",
    "/workflows/{workflow}/versions/compare/picture/?from=v1&to=draft",
    "/workflows/{workflow}/versions/compare/typescript/?from=v1&to=draft",
    "/workflows/{workflow}/deployments/",
    "/workflows/{workflow}/tests/",
    "/workflows/{workflow}/tests/edit/",
    "/workflows/import/",
    "/workflows/new-project/",
    "/admin/workflows/workflow/{project}/change/",
    "/workflows/{workflow}/duplicate/",
    "/workflows/{workflow}/archive/",
    "/targets/{target}/resources/",
    "/targets/{target}/mailbox/",
    "/runs/",
    "/runs/?workflow=W",
    "/runs/{run}/",
    "/runs/overview/",
    "/runs/waiting/",
    "/alerts/",
    "/alerts/messages/",
    "/runs/workflows/",
    "/runs/start/?workflow={workflow}",
    "/runs/batch/?workflow={workflow}",
    "/runs/logs/{workflow}/",
    "/runs/bulk/?action=pause",
    "/docs/nodes/http_request/",
    "/docs/search/?q=retry",
    "/admin/",
    "/admin/workflows/workflow/{workflow}/change/",
    "/admin/workflows/workflow/{workflow}/change/?form",
    "/admin/workflows/workflow/{workflow}/change/?node=only&test_run=0",
    "/admin/workflows/environmentvariable/add/",
    "/admin/deployments/deployment/",
    "/admin/targets/target/",
]

MORE_PAGES = [
    "/admin/login/",
    "/admin/password_change/",
    "/admin/audit/entry/",
    "/admin/api/apikey/",
    "/admin/api/apikey/add/",
    "/admin/auth/user/",
    "/admin/auth/user/1/change/",
    "/admin/auth/user/add/",
    "/admin/auth/group/1/change/",
    "/admin/deployments/deployment/export/",
    "/admin/alerts/alertrule/add/",
    "/admin/alerts/alertchannel/add/",
    "/admin/runs/retention/add/",
    "/admin/targets/target/add/",
    "/admin/targets/target/{target}/change/",
    "/admin/workflows/",
    "/admin/workflows/environmentvariable/",
    "/admin/workflows/nodetype/",
    "/admin/workflows/workflowversion/",
    "/admin/workflows/workflow/add/",
    "/admin/workflows/workflow/add/?form",
    "/admin/workflows/workflow/{workflow}/delete/",
    "/admin/workflows/workflow/{workflow}/history/",
    "/runs/start/",
    "/runs/{run}/event/",
    "/runs/{asking}/",
    "/runs/{asking}/decide/?event={event}",
    "/runs/{run}/restart/",
    "/workflows/{workflow}/live/secrets/",
    "/workflows/{workflow}/live/takedown/",
    "/nowhere/",
]


@pytest.fixture(scope="session")
def ids(installation: Installation) -> dict[str, object]:
    """Ids of a deployed workflow, a run and more, with long names that cannot wrap."""
    workflow = make_workflow(installation, "W" * 120)
    for _ in range(2):
        installation.manage("deploy_workflow", workflow)
    newest, replaced = installation.json("list_deployments", "--workflow", workflow, "--json")
    payload = '{"name": "' + "W" * 120 + '"}'
    run = installation.json("trigger_workflow", workflow, payload)["id"]
    asking, event = approval(installation)
    return {
        "asking": asking,
        "event": event,
        "workflow": workflow,
        "pk": newest["id"],
        "replaced": replaced["id"],
        "run": run_key(installation, run),
        "project": make_project(installation, "W" * 120),
    } | {"target": target_key(installation)}


def approval(installation: Installation) -> tuple[str, str]:
    """Return the primary key of a run that waits for a decision, and the type of its event."""
    fields = [
        {"name": "text", "label": "W" * 60, "required": True},
        {"name": "choice", "type": "choice", "options": "W" * 60},
    ]
    texts = {"title": "W" * 120, "message": "W" * 120, "assignedTo": "W" * 60}
    workflow = installation.import_document(
        chain(node("asked", "human_approval", fields=fields, **texts))
    )
    installation.manage("deploy_workflow", workflow)
    run = installation.json("trigger_workflow", workflow)["id"]
    described: dict[str, Any] = {"steps": []}
    while len(described["steps"]) < 2:
        described = installation.json("describe_run", workflow, run, "--json")
    return run_key(installation, run), described["steps"][1]["event_type"]


def run_key(installation: Installation, run: str) -> str:
    """Return the primary key of the run."""
    code = f"from runs.models import Run; print(Run.objects.get(instance_id={run!r}).pk)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()


def target_key(installation: Installation) -> str:
    code = "from targets.models import Target; print(Target.objects.get(name='local').pk)"
    return installation.manage("shell", "-v", "0", "-c", code).stdout.strip()
