"""The WebSocket of code fields: who may open it, and its protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.contrib.sessions.models import Session
from django.urls import path

from tests.support.audit_entries import refused_streams
from tests.support.patience import PATIENCE
from tests.support.sessions import session_cookie
from tests.workflows.ir.documents import chain, node
from workflows.code_socket import consumer, drafts
from workflows.code_socket.consumer import LanguageConsumer
from workflows.compilation.language_server.pool import Pool
from workflows.compilation.language_server.session import Session as DraftSession
from workflows.documents.projects.editing import add_files
from workflows.documents.projects.starter import starter_files
from workflows.drafts import change_files
from workflows.models import Workflow
from workflows.projects import import_project
from workflows.services import import_document, set_variable

pytestmark = pytest.mark.django_db(transaction=True)

DOCUMENT = chain(node("files", code="return { total: 1 };"), node("use", code="return 1"))
_ROUTES = URLRouter([path("<str:workflow>/", LanguageConsumer.as_asgi())])
USE = "node:/use/data.code"


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    own = Pool(limit=lambda: 2)
    monkeypatch.setattr(drafts, "POOL", own)
    return own


@pytest.fixture
def workflow() -> Workflow:
    return import_document(DOCUMENT)


class Socket:
    """A page's end of the WebSocket."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.raw = communicator
        self.last_id = 0
        self.notifications: list[dict[str, Any]] = []
        self.version: int | None = None  # of the text with the last problems

    async def notify(self, method: str, **params: Any) -> None:
        await self.raw.send_to(json.dumps({"method": method, "params": params}))

    async def open(self, text: str, address: str = USE) -> None:
        document = {"uri": address, "languageId": "typescript", "version": 1, "text": text}
        await self.notify("textDocument/didOpen", textDocument=document)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        await self.raw.send_to(json.dumps(message))
        while (answer := await self.receive()).get("id") != self.last_id:
            self.notifications.append(answer)
        return answer

    async def complete(self, character: int) -> dict[str, Any]:
        position = {"line": 0, "character": character}
        return await self.ask(
            "textDocument/completion", textDocument={"uri": USE}, position=position
        )

    async def receive(self) -> dict[str, Any]:
        text = await self.raw.receive_from(timeout=PATIENCE)
        message: dict[str, Any] = json.loads(text.encode())  # as a server sends it
        return message

    async def problems(self) -> list[dict[str, Any]]:
        while (message := await self.receive()).get("method") != "textDocument/publishDiagnostics":
            pass
        found: list[dict[str, Any]] = message["params"]["diagnostics"]
        self.version = message["params"].get("version")
        return found


@asynccontextmanager
async def open_socket(workflow: str, user: Any) -> AsyncGenerator[Socket]:
    headers = [(b"cookie", await database_sync_to_async(session_cookie)(user))]
    socket = WebsocketCommunicator(_ROUTES, f"/{workflow}/", headers=headers)
    await socket.connect()
    try:
        yield Socket(socket)
    finally:
        await socket.disconnect()
        await drafts.POOL.close()


def editor() -> User:
    return User.objects.create_superuser("ada")


def test_a_field_has_completion_and_its_problem_disappears_once_it_is_fixed(
    workflow: Workflow,
) -> None:
    ada = editor()

    async def scenario() -> None:
        async with open_socket(workflow.pk, ada) as socket:
            assert (
                "completionProvider" in (await socket.ask("initialize"))["result"]["capabilities"]
            )
            await socket.open("return files.")
            answer = await socket.complete(13)
            assert [item["label"] for item in answer["result"]["items"]] == ["total"]
            changes = (("return files.nope;", 1), ("return files.total;", 0))
            for version, (text, count) in enumerate(changes, start=2):
                document = {"uri": USE, "version": version}
                await socket.notify(
                    "textDocument/didChange", textDocument=document, contentChanges=[{"text": text}]
                )
                problems = await socket.problems()
                while (len(problems), socket.version) != (count, version):
                    problems = await socket.problems()

    asyncio.run(scenario())


def test_values_of_variables_never_reach_the_module(workflow: Workflow, pool: Pool) -> None:
    ada = editor()
    set_variable("API_KEY", "sentinel-of-editor", workflow=workflow, is_secret=True)

    async def scenario() -> str:
        async with open_socket(workflow.pk, ada) as socket:
            await socket.open("return env.API_KEY")
            await socket.complete(18)
            session = pool.sessions[workflow.pk]
            assert isinstance(session, DraftSession)
            document = session._document
            return document.text if document else ""

    text = asyncio.run(scenario())
    assert "API_KEY: string;" in text
    assert "sentinel" not in text


def test_a_new_variable_is_offered(workflow: Workflow) -> None:
    ada = editor()

    async def scenario() -> None:
        async with open_socket(workflow.pk, ada) as socket:
            await socket.open("return env.")
            await socket.complete(11)
            set_new = database_sync_to_async(set_variable)
            await set_new("ADDED_LATER", "x", workflow=workflow)
            drafts.POOL.sessions[workflow.pk]._checked_at = float("-inf")
            answer = await socket.complete(11)
            assert "ADDED_LATER" in [item["label"] for item in answer["result"]["items"]]

    asyncio.run(scenario())


def closing(workflow: str, user: Any) -> tuple[str, int]:
    async def scenario() -> tuple[str, int]:
        async with open_socket(workflow, user) as socket:
            message = await socket.receive()
            closed = await socket.raw.receive_output(timeout=PATIENCE)
            return message["params"]["message"], closed["code"]

    return asyncio.run(scenario())


def test_only_users_who_can_see_workflows_have_completion(workflow: Workflow) -> None:
    somebody = User.objects.create_user("somebody", is_staff=True)

    formerly = User.objects.create_user("formerly", is_superuser=True, is_staff=False)

    assert closing(workflow.pk, AnonymousUser())[1] == 4403
    assert closing(workflow.pk, formerly)[1] == 4403
    assert closing(workflow.pk, somebody) == (
        "Log in as a user with permission to view workflows.",
        4403,
    )
    address = "/workflows/<workflow>/language/"
    names = ("anonymous", "formerly", "somebody")
    assert refused_streams() == [(name, address, 1) for name in names]
    assert closing("missing", editor()) == ("This workflow no longer exists.", 4404)


def test_a_user_who_can_only_view_workflows_has_completion(workflow: Workflow) -> None:
    somebody = User.objects.create_user("somebody", is_staff=True)
    somebody.user_permissions.add(Permission.objects.get(codename="view_workflow"))

    async def scenario() -> list[Any]:
        async with open_socket(workflow.pk, somebody) as socket:
            await socket.open("return files.")
            return list((await socket.complete(13))["result"]["items"])

    assert asyncio.run(scenario())


def test_the_socket_closes_soon_after_the_session_has_ended(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "RIGHTS_CHECK_SECONDS", 0.01)
    ada = editor()

    async def scenario() -> int:
        async with open_socket(workflow.pk, ada) as socket:
            await database_sync_to_async(Session.objects.all().delete)()
            await socket.receive()
            return int((await socket.raw.receive_output(timeout=PATIENCE))["code"])

    assert asyncio.run(scenario()) == 4403


def test_invalid_messages_do_no_harm(workflow: Workflow) -> None:
    ada = editor()
    odd = ["x", "[]", "{", '{"method": 1}', '{"method": "x", "params": []}', "[" * 5000]
    odd += ['{"id": "\\ud800", "method": "\\ud800"}']

    async def scenario() -> None:
        async with open_socket(workflow.pk, ada) as socket:
            for text in odd:
                await socket.raw.send_to(text)
            assert (await socket.receive())["error"]["code"] == -32601
            assert (await socket.ask("workspace/symbol"))["error"]["code"] == -32601
            assert (await socket.ask("textDocument/hover"))["error"]["code"] == -32602
            await socket.notify("$/cancelRequest", id=[])
            await socket.open("return files.")
            assert (await socket.complete(13))["result"]["items"]

    asyncio.run(scenario())


def test_too_many_messages_close_the_socket(workflow: Workflow) -> None:
    ada = editor()

    async def scenario() -> int:
        async with open_socket(workflow.pk, ada) as socket:
            for _ in range(300):
                await socket.notify("initialized")
            while True:
                output = await socket.raw.receive_output(timeout=PATIENCE)
                if output["type"] == "websocket.close":
                    return int(output["code"])

    assert asyncio.run(scenario()) == 4429


def test_the_page_learns_when_completion_is_not_available(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "POOL", Pool(limit=lambda: 0))
    ada = editor()

    async def scenario() -> tuple[str, list[str]]:
        async with open_socket(workflow.pk, ada) as socket:
            await socket.open("return files.")
            answer = await socket.complete(13)
            states = [each["params"]["message"] for each in socket.notifications]
            return answer["error"]["message"], states

    message, states = asyncio.run(scenario())
    assert message == "Completion is not available right now."
    assert message in states


def test_a_file_of_a_project_has_completion_and_the_names_of_its_variables() -> None:
    ada = editor()
    project = import_project(starter_files("Orders"))
    set_variable("API_KEY", "sentinel-of-project", workflow=project, is_secret=True)
    address = "project:/src%2Ftyped.ts"

    async def scenario() -> str:
        async with open_socket(project.pk, ada) as socket:
            answer = await socket.ask("initialize")
            assert "renameProvider" not in answer["result"]["capabilities"]
            await socket.open("declare const own: Env; own.", address)
            add = database_sync_to_async(change_files)
            await add(project.pk, partial(add_files, added={"src/typed.ts": ""}), by=ada)
            answer = await socket.ask(
                "textDocument/completion",
                textDocument={"uri": address},
                position={"line": 0, "character": 28},
            )
            return json.dumps(answer)

    answer = asyncio.run(scenario())
    assert "API_KEY" in answer
    assert "WORKFLOW" in answer
    assert "sentinel" not in answer
