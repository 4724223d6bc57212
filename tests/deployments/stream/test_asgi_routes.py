"""The event streams over HTTP, from a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from deployments.pipeline.stages import HAPPY_PATH
from tests.deployments.fakes import document
from tests.support.installation import Installation
from tests.support.plain_http import request

EXPECTED = [
    {"stage": stage.value, "message": stage.message, "progress": stage.percent}
    for stage in HAPPY_PATH
]


def stages(text: str) -> list[dict[str, object]]:
    """Return the data of the events of the default type."""
    blocks = [block.splitlines() for block in text.split("\n\n") if "data: " in block]
    plain = [block for block in blocks if not any(line.startswith("event:") for line in block)]
    return [json.loads(block[-1].removeprefix("data: ")) for block in plain]


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[httpx.Client]:
    with installation.client() as client:
        yield client


@pytest.fixture(scope="module")
def workflow(installation: Installation) -> str:
    return installation.import_document(document())


@pytest.fixture(scope="module")
def deployed(client: httpx.Client, workflow: str) -> httpx.Response:
    """Return the response of deploy-stream, read to its end."""
    return client.post(f"/api/workflows/{workflow}/deploy-stream", json={})


@pytest.fixture(scope="module")
def address(installation: Installation, workflow: str, deployed: httpx.Response) -> str:
    pk = installation.json("list_deployments", "--workflow", workflow, "--json")[0]["id"]
    return f"/deployments/{pk}/events/"


def test_deploy_stream_streams_the_stages_until_the_end(deployed: httpx.Response) -> None:
    assert deployed.headers["content-type"].startswith("text/event-stream")
    assert stages(deployed.text) == EXPECTED
    assert deployed.text.rstrip().splitlines()[-2] == "event: result"


def test_a_stream_without_a_cursor_starts_at_the_first_stage(
    client: httpx.Client, address: str
) -> None:
    assert stages(client.get(address).text) == EXPECTED


def test_a_stream_continues_after_the_cursor(client: httpx.Client, address: str) -> None:
    by_query = client.get(address, params={"lastEventId": "4"})
    by_header = client.get(address, headers={"Last-Event-ID": "9"})

    assert stages(by_query.text) == EXPECTED[4:]
    assert stages(by_header.text) == EXPECTED[9:]


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 30])
def test_an_invalid_cursor_is_refused(client: httpx.Client, address: str, cursor: str) -> None:
    assert client.get(address, params={"lastEventId": cursor}).status_code == 400


def test_other_methods_and_unknown_deployments_are_refused(
    client: httpx.Client, address: str
) -> None:
    assert client.post(address).status_code == 405
    assert client.get("/deployments/999999/events/").status_code == 404


def test_nobody_else_may_read_a_channel(installation: Installation, address: str) -> None:
    installation.create_user("nobody", superuser=False)
    url = f"http://127.0.0.1:{installation.port}"

    with installation.client("nobody") as nobody:
        answers = [nobody.get(address), nobody.get("/events/")]
    answers += [request("GET", url + address), request("GET", url + "/events/")]

    assert [answer.status_code for answer in answers] == [403] * 4


def test_a_deployment_of_another_process_shows_on_an_open_dashboard(
    installation: Installation, client: httpx.Client, workflow: str
) -> None:
    with client.stream("GET", "/events/") as stream:
        lines = stream.iter_lines()
        next(lines)
        installation.manage("deploy_workflow", workflow)

        seen = [""]
        while seen[-1] != "COMPLETED":
            line = next(lines)
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: "))["stage"])

    assert [stage for stage in seen if stage] == [stage.value for stage in HAPPY_PATH]


@pytest.mark.parametrize(
    ("body", "status"), [('{"target": "nowhere"}', 400), ("[]", 400), ("{", 400), ('{"x": 1}', 400)]
)
def test_deploy_stream_refuses_invalid_requests(
    client: httpx.Client, workflow: str, body: str, status: int
) -> None:
    answer = client.post(f"/api/workflows/{workflow}/deploy-stream", content=body)

    assert answer.status_code == status
    assert answer.json()["error"]


def test_deploy_stream_needs_a_session_and_its_token(
    installation: Installation, client: httpx.Client, workflow: str
) -> None:
    url = f"/api/workflows/{workflow}/deploy-stream"
    stranger = request("POST", f"http://127.0.0.1:{installation.port}{url}", json={})
    forged = client.post(url, json={}, headers={"X-CSRFToken": "forged"})

    assert stranger.status_code in (401, 403)
    assert forged.status_code == 403
    assert client.post("/api/workflows/nosuch/deploy-stream", json={}).status_code == 404
