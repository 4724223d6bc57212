"""Downloads that wrangler deploys by itself, and graphs that become projects."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import pytest
from django.urls import reverse

from audit.models import Entry
from audit.trail import Actor
from deployments.services import standalone
from deployments.services.control import roll_back
from deployments.services.standalone import download, eject
from runs.services.control import trigger
from runs.services.instances import workflow_runs
from targets.models import Target
from targets.policy import Refused
from tests.deployments.factories import make_workflow
from tests.deployments.fakes import document
from tests.local_cloudflare.support.projects import Project
from tests.support.platform_fixture import Platform
from tests.support.sessions import LogIn
from tests.targets.cloudflare.accounts import account_target, deploy, run_queue, wait_until
from toolchain.node_tools import MODULES
from workflows.editing.document.refusals import Refused as NotDone
from workflows.lifecycle import duplicate
from workflows.models import Workflow
from workflows.projects import import_project
from workflows.services import declare_binding, set_variable
from workflows.versions import restore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

ADA: Final = Actor(name="ada")
SECRET: Final = "sk-this-is-the-secret-of-the-test"
CODE: Final = """
await env.NOTES.put("greeting", env.GREETING);
return { greeting: await env.NOTES.get("greeting"), length: env.API_KEY.length };
"""
FILES: Final = {
    "src/index.ts": """
import { WorkflowEntrypoint, WorkflowStep } from 'cloudflare:workers';
import { answer } from './answer';
export class Asked extends WorkflowEntrypoint<Env> {
  async run(event: unknown, step: WorkflowStep) {
    return await step.do('answer', async () => answer());
  }
}
export default { fetch: (request: Request, env: Env) => new Response('asked') };
""",
    "src/answer.ts": "export const answer = () => 42;\n",
    "wrangler.jsonc": """{
  // the Worker
  "name": "asked", "main": "src/index.ts", "compatibility_date": "2026-11-01",
  "workflows": [{ "name": "asked", "binding": "ASKED", "class_name": "Asked" }],
}""",
}


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


@pytest.fixture
def graph(platform: Platform) -> Workflow:
    workflow = make_workflow(CODE)
    declare_binding(workflow, "NOTES", "kv")
    made = platform.api("POST", "storage/kv/namespaces", json={"title": workflow.pk}).json()
    set_variable("NOTES_BINDING_ID", made["result"]["id"], workflow=workflow)
    set_variable("GREETING", "hello", workflow=workflow)
    set_variable("API_KEY", SECRET, workflow=workflow, is_secret=True)
    return workflow


def unpacked(data: bytes, folder: Path) -> Path:
    with ZipFile(io.BytesIO(data)) as file:
        file.extractall(folder)
    (folder / "node_modules").symlink_to(MODULES)  # what `npm install` would install
    return folder


def output_of(platform: Platform, workflow: str, instance: str) -> Any:
    """Wait for the end of a run, and return its output."""
    address = f"workflows/{workflow}/instances/{instance}"
    runs: list[dict[str, Any]] = []

    def has_ended() -> bool:
        runs.append(platform.api("GET", address).json()["result"])
        return runs[-1]["status"] not in ("queued", "running")

    wait_until(has_ended)
    assert runs[-1]["status"] == "complete", runs[-1]
    output = runs[-1]["output"]
    return json.loads(output) if isinstance(output, str) else output


def test_wrangler_deploys_the_download_of_a_graph(
    platform: Platform, graph: Workflow, tmp_path: Path
) -> None:
    made = download(graph.newest_version, has_values=True, by=ADA)
    folder = unpacked(made.data, tmp_path)

    project = Project(platform=platform, folder=folder, name=f"awaitstep-{graph.pk}")
    project.deploy(API_KEY="short")
    started = platform.api("POST", f"workflows/{project.name}/instances", json={}).json()

    expected = {"greeting": "hello", "length": 5}
    assert output_of(platform, project.name, started["result"]["id"]) == expected
    assert "npx wrangler secret put API_KEY" in (folder / "README.md").read_text()
    assert json.loads((folder / "package.json").read_text())["devDependencies"]["wrangler"]


@pytest.mark.long
def test_wrangler_deploys_the_download_of_a_project(platform: Platform, tmp_path: Path) -> None:
    workflow = import_project(dict(FILES))
    made = download(workflow.newest_version, has_values=True, by=ADA)
    folder = unpacked(made.data, tmp_path)

    Project(platform=platform, folder=folder, name="asked").deploy()
    started = platform.api("POST", "workflows/asked/instances", json={}).json()

    assert output_of(platform, "asked", started["result"]["id"]) == 42
    assert (folder / "wrangler.jsonc").read_text() == FILES["wrangler.jsonc"]


def test_a_download_holds_no_secret(graph: Workflow) -> None:
    made = download(graph.newest_version, has_values=True, by=ADA)

    with ZipFile(io.BytesIO(made.data)) as file:
        texts = [file.read(name).decode() for name in file.namelist()]
    assert not any(SECRET in text for text in texts)
    assert any('"hello"' in text for text in texts)
    assert Entry.objects.latest("pk").action == "version downloaded"


def test_a_user_who_may_not_view_variables_downloads_none(graph: Workflow, log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow", "workflows.view_workflowversion")

    response = client.get(reverse("deployments:download_version", args=[graph.pk, 1]))

    with ZipFile(io.BytesIO(response.content)) as file:
        assert "vars" not in json.loads(file.read("wrangler.json"))
    assert f'filename="{graph.pk}-v1.zip"' in response["Content-Disposition"]


def test_a_version_that_cannot_be_compiled_is_not_downloaded(log_in: LogIn) -> None:
    workflow = make_workflow()
    workflow.versions.update(ir=document("return 1;") | {"nodes": []})
    client = log_in("workflows.view_workflow", "workflows.view_workflowversion")

    response = client.get(
        reverse("deployments:download_version", args=[workflow.pk, 1]), follow=True
    )

    assert "Version 1 cannot be downloaded." in response.content.decode()


def test_an_ejected_graph_runs_in_the_same_workflow(
    platform: Platform, target: Target, graph: Workflow
) -> None:
    as_graph = deploy(graph, target)

    eject(graph, by=ADA)
    as_project = deploy(graph, target)
    started = trigger(as_project, {}, by=ADA)

    name = f"awaitstep-{graph.pk}"
    assert as_project.worker_name == as_graph.worker_name == name
    assert as_project.resources == as_graph.resources
    assert output_of(platform, name, started.run.instance_id)["greeting"] == "hello"
    assert started.run.workflow == graph
    assert workflow_runs(graph).latest() == started.run.instance_id


@pytest.mark.long
def test_what_was_deployed_as_a_graph_can_be_rolled_back_to(
    target: Target, graph: Workflow
) -> None:
    as_graph = deploy(graph, target)
    eject(graph, by=ADA)
    deploy(graph, target)

    done = run_queue(roll_back(as_graph, by=ADA))

    assert done.live_version == as_graph.version_id


def test_ejecting_keeps_the_versions_and_says_so_on_the_trail(graph: Workflow) -> None:
    before = graph.newest_version

    version = eject(graph, by=ADA)

    graph.refresh_from_db()
    assert graph.is_project
    assert sorted(graph.files) == [
        ".gitignore",
        "package.json",
        "src/index.ts",
        "tsconfig.json",
        "wrangler.json",
    ]
    assert graph.files["src/index.ts"].startswith("import ")
    assert graph.bindings == {}
    assert {each.name for each in graph.variables.all()} == {
        "GREETING",
        "API_KEY",
        "NOTES_BINDING_ID",
    }
    assert before.number < version.number
    assert graph.versions.get(number=before.number).ir["nodes"]
    assert Entry.objects.latest("pk").action == "workflow ejected"
    assert SECRET not in json.dumps(graph.files)


def test_a_project_cannot_be_ejected() -> None:
    workflow = import_project(dict(FILES))

    with pytest.raises(Refused, match="is already a project"):
        eject(workflow, by=ADA)


def test_a_draft_with_problems_is_not_ejected(graph: Workflow, log_in: LogIn) -> None:
    Workflow.objects.filter(pk=graph.pk).update(ir=document("return 1;") | {"nodes": []})
    graph.refresh_from_db()
    client = log_in("workflows.view_workflow", "workflows.change_workflow")

    response = client.post(reverse("deployments:eject", args=[graph.pk]))

    assert "Nothing was changed." in response.content.decode()
    graph.refresh_from_db()
    assert not graph.is_project


def test_the_page_says_that_there_is_no_way_back(graph: Workflow, log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow", "workflows.change_workflow")
    address = reverse("deployments:eject", args=[graph.pk])

    shown = client.get(address).content.decode()
    client.post(address)

    assert "There is no way back." in shown
    assert "src/index.ts" in shown
    graph.refresh_from_db()
    assert graph.is_project


def test_a_draft_that_is_changed_in_the_meantime_is_not_ejected(
    graph: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = standalone.ejected_files

    def change_first(workflow: Workflow) -> Any:
        files = made(workflow)
        Workflow.objects.filter(pk=workflow.pk).update(draft_revision=workflow.draft_revision + 1)
        return files

    monkeypatch.setattr(standalone, "ejected_files", change_first)

    with pytest.raises(Refused, match="changed in the meantime"):
        eject(graph, by=ADA)
    graph.refresh_from_db()
    assert not graph.is_project


def test_a_copy_of_a_project_has_its_files(django_user_model: Any) -> None:
    workflow = import_project(dict(FILES))
    user = django_user_model.objects.create_superuser("ada")

    copy = duplicate(workflow, name="Copy", copy_variables=False, by=user)

    assert copy.files == FILES


def test_a_version_of_the_graph_cannot_be_restored_after_ejecting(
    graph: Workflow, django_user_model: Any
) -> None:
    eject(graph, by=ADA)
    first = graph.versions.select_related("workflow").get(number=1)
    user = django_user_model.objects.create_superuser("ada")

    with pytest.raises(NotDone, match="is a version of the graph"):
        restore(first, revision=graph.draft_revision, by=user)
