"""Emails that Workers send are stored in the platform's mailbox; deployed with the real wrangler."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import wait_until
from tests.support.platform_fixture import Platform

CODE = """
import { EmailMessage } from "cloudflare:email";
const raw = (subject) => `From: <shop@example.com>
To: <ada@example.com>
Message-ID: <1@example.com>
Subject: ${subject}

the text`.replaceAll("\\n", "\\r\\n");
export default {
  async fetch(request, env) {
    const { kind, ...email } = await request.json();
    try {
      if (kind === "raw")
        await env.MAIL.send(new EmailMessage("shop@example.com", "ada@example.com", raw("Raw")));
      else await env.MAIL.send({ from: "shop@example.com", subject: "Order", text: "Thank you", ...email });
      return new Response("sent");
    } catch (error) {
      return new Response(error.message, { status: 400 });
    }
  },
};
"""


def emails(platform: Platform, worker: str) -> list[dict[str, Any]]:
    found = platform.api("GET", f"local/emails?worker={worker}").json()
    return list(found["result"])


def deploy(project: Project, **settings: object) -> None:
    project.write(CODE, send_email=[{"name": "MAIL", **settings}])
    result = project.wrangler("deploy")
    assert result.exit_code == 0, result.stdout + result.stderr


def send(project: Project, **email: object) -> tuple[int, str]:
    response = project.platform.fetch(project.name, method="POST", json=email)
    return response.status_code, response.text


def test_emails_are_kept_in_the_mailbox(project: Project) -> None:
    deploy(project)

    assert send(project, to=["ada@example.com"], html="<p>Thank you</p>") == (200, "sent")
    assert send(project, kind="raw") == (200, "sent")

    wait_until(lambda: len(emails(project.platform, project.name)) == 2)
    raw, built = emails(project.platform, project.name)
    assert (raw["subject"], raw["from"], raw["to"]) == (
        "Raw",
        "shop@example.com",
        ["ada@example.com"],
    )
    assert (built["subject"], built["text"], built["html"]) == (
        "Order",
        "Thank you",
        "<p>Thank you</p>",
    )
    one = project.platform.api("GET", f"local/emails/{built['id']}").json()["result"]
    assert one == built


@pytest.mark.parametrize(
    ("settings", "email", "problem"),
    [
        ({"destination_address": "ada@example.com"}, {"to": "eve@example.com"}, "eve@example.com"),
        (
            {"allowed_destination_addresses": ["ada@example.com"]},
            {"to": ["ada@example.com", "eve@example.com"]},
            "eve@example.com",
        ),
        (
            {"allowed_sender_addresses": ["shop@example.com"]},
            {"to": "ada@example.com", "from": "eve@example.com"},
            "eve@example.com",
        ),
    ],
)
def test_an_address_that_the_binding_does_not_allow_is_refused(
    project: Project, settings: dict[str, object], email: dict[str, object], problem: str
) -> None:
    deploy(project, **settings)
    before = len(emails(project.platform, project.name))

    status, message = send(project, **email)

    assert (status, f"{problem} not allowed" in message) == (400, True)
    assert send(project, to="ada@example.com") == (200, "sent")
    newest, *older = emails(project.platform, project.name)
    assert (newest["to"], len(older)) == (["ada@example.com"], before)


@pytest.mark.parametrize(
    ("name", "type_", "setting"),
    [
        ("AI", "ai", {"ai": {"binding": "AI"}}),
        ("INDEX", "vectorize", {"vectorize": [{"binding": "INDEX", "index_name": "x"}]}),
        ("DB", "hyperdrive", {"hyperdrive": [{"binding": "DB", "id": "a" * 32}]}),
        ("BROWSER", "browser", {"browser": {"binding": "BROWSER"}}),
        ("IMAGES", "images", {"images": {"binding": "IMAGES"}}),
    ],
)
def test_a_binding_that_is_not_supported_is_refused_by_name_and_type(
    project: Project, name: str, type_: str, setting: dict[str, object]
) -> None:
    project.write("export default { fetch() {} }", **setting)

    result = project.wrangler("deploy")

    assert result.exit_code == 1
    printed = result.stdout + result.stderr
    assert f"binding {name} of type {type_} is not supported by the embedded platform" in printed
    assert "10021" in printed
