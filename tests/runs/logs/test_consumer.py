"""Live logs of a Worker: from its console through the tail to our WebSocket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, Permission, User

from deployments.models import Deployment
from runs.logs.consumer import LogConsumer
from runs.logs.log_lines import LineFilter
from targets.models import Target
from tests.deployments.factories import make_workflow
from tests.runs.logs.log_sockets import open_socket, wait_until_live
from tests.support.audit_entries import refused_streams
from tests.support.patience import PATIENCE
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy
from workflows.models import Workflow
from workflows.services import save_draft, set_variable

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

ENTRY = """
export async function fetch(request: Request, env: Env): Promise<Response> {
  console.log("hello", { from: new URL(request.url).pathname });
  console.warn("the token is " + env.TOKEN, "\\ud83d");
  if (request.url.endsWith("/throw")) throw new TypeError("thrown on purpose");
  return new Response("ok");
}
"""


@pytest.fixture
def target(platform: Platform) -> Target:
    return account_target(platform)


def deploy_logging_worker(target: Target) -> Deployment:
    workflow = make_workflow()
    workflow.entry_code = ENTRY
    set_variable("TOKEN", "sentinel-of-logs", workflow=workflow, is_secret=True)
    save_draft(workflow)
    return deploy(workflow, target)


def viewer() -> User:
    return User.objects.create_superuser("ada")


async def receive_until(socket: WebsocketCommunicator, text: str) -> list[dict[str, str]]:
    """Return the lines up to the first with this text."""
    found: list[dict[str, str]] = []
    async with asyncio.timeout(20):
        while not any(text in line["text"] for line in found):
            found += json.loads(await socket.receive_from(timeout=PATIENCE)).get("lines", [])
    return found


async def visit(platform: Platform, live: Deployment, *paths: str) -> None:
    for where in paths:
        await asyncio.to_thread(platform.fetch, live.worker_name, where)


def run(scenario: Any) -> Any:
    return asyncio.run(scenario)


def test_console_output_and_exceptions_arrive_without_secrets(
    platform: Platform, target: Target
) -> None:
    live, ada = deploy_logging_worker(target), viewer()

    async def scenario() -> list[dict[str, str]]:
        async with open_socket(live.workflow_public_id, ada) as socket:
            await wait_until_live(socket)
            await visit(platform, live, "/first", "/throw")
            return await receive_until(socket, "thrown on purpose")

    lines = run(scenario())

    assert ("log", 'hello {"from": "/first"}') in [(line["level"], line["text"]) for line in lines]
    assert any(line["level"] == "warn" and "••• \ufffd" in line["text"] for line in lines)
    assert not any("sentinel" in line["text"] for line in lines)
    assert any(line["level"] == "event" and "/throw" in line["text"] for line in lines)


def test_a_viewer_receives_only_matching_lines(platform: Platform, target: Target) -> None:
    live, ada = deploy_logging_worker(target), viewer()

    async def scenario() -> list[dict[str, str]]:
        async with open_socket(live.workflow_public_id, ada) as socket:
            await socket.send_to(json.dumps({"level": "error"}))
            await wait_until_live(socket)
            await visit(platform, live, "/first", "/throw")
            return await receive_until(socket, "thrown on purpose")

    assert {line["level"] for line in run(scenario())} == {"error"}


def refusal(workflow: str, user: Any) -> tuple[str, int]:
    async def scenario() -> tuple[str, int]:
        async with open_socket(workflow, user) as socket:
            message = json.loads(await socket.receive_from())
            closed = await socket.receive_output()
            return message["error"], closed["code"]

    result: tuple[str, int] = run(scenario())
    return result


def test_logs_need_the_permission_to_view_runs(target: Target) -> None:
    staff = User.objects.create_user("bob", is_staff=True)

    for user in (AnonymousUser(), staff):
        sentence, code = refusal("anything", user)
        assert (sentence, code) == ("Log in as a user with permission to view runs.", 4403)
    assert refused_streams() == [
        ("anonymous", "/runs/logs/<workflow>/socket/", 1),
        ("bob", "/runs/logs/<workflow>/socket/", 1),
    ]


def test_a_workflow_that_is_not_live_has_no_logs(db: None) -> None:
    assert refusal(make_workflow().pk, viewer())[1] == 4404


def test_the_page_has_the_address_of_its_socket(admin_client: Any, target: Target) -> None:
    live = deploy_logging_worker(target)
    workflow = Workflow.objects.get(pk=live.workflow_public_id)

    shown = admin_client.get(f"/runs/logs/{workflow.pk}/").content.decode()

    assert f'data-logs="/runs/logs/{workflow.pk}/socket/"' in shown
    assert live.worker_name in shown
    for works_by_script in ('class="logs-tools', 'class="log-lines', 'class="empty'):
        assert f"{works_by_script} js-only" in shown
    assert "<noscript>" in shown


def test_the_page_needs_the_permission_to_view_runs(client: Any) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    client.force_login(bob)
    address = f"/runs/logs/{make_workflow().pk}/"
    assert client.get(address).status_code == 403
    bob.user_permissions.add(Permission.objects.get(codename="view_run"))

    assert b"This workflow is not live" in client.get(address).content


@pytest.mark.parametrize(
    "frame", ["[" * 100_000, '{"level":' * 50_000, '{"level": []}', "7" * 5_000, ""]
)
def test_a_frame_that_is_not_a_message_is_ignored(frame: str) -> None:
    consumer = LogConsumer()
    consumer.filter, consumer.is_paused = LineFilter(), False

    run(consumer.receive(text_data=frame))

    assert consumer.filter == LineFilter()
