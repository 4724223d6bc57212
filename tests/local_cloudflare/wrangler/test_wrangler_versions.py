"""Versions, gradual deployments and preview URLs with the real wrangler."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.local_cloudflare.support.projects import Project
from toolchain.node_tools import NODE, WRANGLER

ANSWER = "export default { fetch(request, env) { return new Response(env.TOKEN ?? 'none') } }"


def answering(text: str) -> str:
    return f"export default {{ fetch() {{ return new Response('{text}') }} }}"


def succeed(project: Project, *arguments: str) -> str:
    """Run wrangler, and return what it printed."""
    result = project.wrangler(*arguments)
    assert result.exit_code == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def last_line(project: Project, kind: str) -> dict[str, Any]:
    """Return the newest line of this type in wrangler's output file."""
    lines = map(json.loads, (project.folder / "output.ndjson").read_text().splitlines())
    return dict([line for line in lines if line["type"] == kind][-1])


def test_a_version_is_rolled_out_gradually(project: Project) -> None:
    project.write(answering("old"), preview_urls=True)
    old = project.deploy()["version_id"]
    project.write(answering("new"), preview_urls=True)

    printed = succeed(project, "versions", "upload", "--preview-alias", "try-it", "--tag", "second")

    new = str(last_line(project, "version-upload")["version_id"])
    urls = re.findall(r"https://([\w-]+)\.local\.workers\.dev", printed)
    assert urls == [f"{new[:8]}-{project.name}", f"try-it-{project.name}"]
    assert [project.platform.fetch(host).text for host in urls] == ["new", "new"]
    assert project.platform.fetch(project.name).text == "old"

    succeed(project, "versions", "deploy", f"{old}@50%", f"{new}@50%", "--yes")

    assert {project.platform.fetch(project.name).text for _ in range(32)} == {"old", "new"}
    status = json.loads(project.wrangler("deployments", "status", "--json").stdout)
    shares = {row["version_id"]: row["percentage"] for row in status["versions"]}
    assert shares == {old: 50, new: 50}

    succeed(project, "versions", "deploy", f"{new}@100%", "--yes")

    assert {project.platform.fetch(project.name).text for _ in range(16)} == {"new"}


@pytest.mark.long
def test_a_rollback_ends_a_gradual_rollout(project: Project) -> None:
    project.write(answering("old"))
    old = project.deploy()["version_id"]
    project.write(answering("new"))
    succeed(project, "versions", "upload")
    new = str(last_line(project, "version-upload")["version_id"])
    succeed(project, "versions", "deploy", f"{old}@10%", f"{new}@90%", "--yes")

    succeed(project, "rollback", str(old), "--message", "it fails", "--yes")

    assert {project.platform.fetch(project.name).text for _ in range(16)} == {"old"}


@pytest.mark.long
def test_secrets_belong_to_versions(project: Project) -> None:
    project.write(ANSWER)
    old = project.deploy(TOKEN="first")["version_id"]

    put = subprocess.run(
        [str(NODE), str(WRANGLER), "versions", "secret", "put", "TOKEN"],
        cwd=project.folder,
        env=project.environment(CI="1"),
        input="second",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert put.returncode == 0, put.stdout + put.stderr
    found = re.search(r"Created version ([\w-]+) with secret TOKEN", put.stdout)
    assert found
    assert project.platform.fetch(project.name).text == "first"
    succeed(project, "versions", "deploy", f"{old}@50%", f"{found[1]}@50%", "--yes")
    assert {project.platform.fetch(project.name).text for _ in range(32)} == {"first", "second"}
    listed = succeed(project, "versions", "secret", "list")
    assert "Secret Name: TOKEN" in listed
    assert "second" not in listed

    succeed(project, "versions", "secret", "delete", "TOKEN")
    succeed(project, "versions", "list")
    assert {project.platform.fetch(project.name).text for _ in range(32)} == {"first", "second"}
