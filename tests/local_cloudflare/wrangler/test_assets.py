"""Static files of Workers, deployed with the real wrangler."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.support.platform_fixture import Platform, error_codes

CODE = """
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/through") return env.ASSETS.fetch(new URL("/about", request.url));
    return new Response(`code at ${pathname}`);
  },
};
"""
FILES = {
    "index.html": "<h1>home</h1>",
    "about.html": "<h1>about</h1>",
    "blog/index.html": "<h1>blog</h1>",
    "404.html": "<h1>lost</h1>",
    "style.css": "h1 { color: red }",
    "with space.txt": "spaced",
    "_headers": "/style.css\n  X-Kind: style\n",
    "_redirects": "/old /about 301\n",
}


def write(project: Project, code: str | None = CODE, **assets: object) -> None:
    """Write the project's files; without code, the Worker consists only of static files."""
    for name, text in FILES.items():
        file = project.folder / "public" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    config: dict[str, Any] = {"assets": {"directory": "public", **assets}}
    project.write(code or "", **config)
    if code is None:
        file = project.folder / "wrangler.json"
        settings = json.loads(file.read_text())
        del settings["main"], settings["no_bundle"]
        file.write_text(json.dumps(settings))


def deploy(project: Project) -> str:
    result = project.wrangler("deploy")
    assert result.exit_code == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def get(project: Project, path: str) -> tuple[int, str]:
    response = project.platform.fetch(project.name, path)
    return response.status_code, response.text


def test_files_are_served_before_the_code(project: Project) -> None:
    write(project, binding="ASSETS")

    deploy(project)

    assert get(project, "/") == (200, "<h1>home</h1>")
    assert get(project, "/about") == (200, "<h1>about</h1>")
    assert get(project, "/with%20space.txt") == (200, "spaced")
    assert get(project, "/through") == (200, "<h1>about</h1>")
    assert get(project, "/elsewhere") == (200, "code at /elsewhere")
    style = project.platform.fetch(project.name, "/style.css")
    assert (style.headers["content-type"], style.headers["x-kind"]) == (
        "text/css; charset=utf-8",
        "style",
    )
    redirect = project.platform.fetch(project.name, "/old")
    assert (redirect.status_code, redirect.headers["location"]) == (301, "/about")
    canonical = project.platform.fetch(project.name, "/about.html")
    assert (canonical.status_code, canonical.headers["location"]) == (307, "/about")


@pytest.mark.long
def test_a_later_deploy_sends_only_new_files(project: Project) -> None:
    write(project)
    deploy(project)
    changed = project.folder / "public" / "about.html"
    changed.write_text("<h1>changed</h1>")

    printed = deploy(project)

    assert "Found 1 new or modified static asset" in printed
    assert get(project, "/about") == (200, "<h1>changed</h1>")
    assert get(project, "/style.css")[0] == 200
    assert "No updated asset files to upload" in deploy(project)


@pytest.mark.long
@pytest.mark.parametrize(
    ("handling", "path", "expected"),
    [
        ("404-page", "/lost", (404, "<h1>lost</h1>")),
        ("single-page-application", "/any/where", (200, "<h1>home</h1>")),
        ("none", "/lost", (404, "")),
    ],
)
def test_a_worker_with_only_static_files_needs_no_code(
    project: Project, handling: str, path: str, expected: tuple[int, str]
) -> None:
    write(project, None, not_found_handling=handling)

    deploy(project)

    assert get(project, "/") == (200, "<h1>home</h1>")
    assert get(project, path) == expected


@pytest.mark.long
def test_code_can_run_before_files_are_served(project: Project) -> None:
    write(project, run_worker_first=["/about"], html_handling="none", binding="ASSETS")

    deploy(project)

    assert get(project, "/about") == (200, "code at /about")
    assert get(project, "/about.html") == (200, "<h1>about</h1>")
    write(project, run_worker_first=True, binding="ASSETS")
    deploy(project)
    assert get(project, "/about.html") == (200, "code at /about.html")


def start_session(platform: Platform, name: str, manifest: object) -> httpx.Response:
    path = f"workers/scripts/{name}/assets-upload-session"
    return platform.api("POST", path, json={"manifest": manifest})


def send(platform: Platform, token: str, **files: bytes) -> httpx.Response:
    parts = {hash_: (hash_, base64.b64encode(contents)) for hash_, contents in files.items()}
    headers = {"authorization": f"Bearer {token}"}
    return platform.api("POST", "workers/assets/upload?base64=true", headers=headers, files=parts)


def test_a_session_ends_when_every_file_has_been_sent(platform: Platform) -> None:
    one, two = "1" * 32, "2" * 32
    manifest = {"/one.txt": {"hash": one, "size": 3}, "/two.txt": {"hash": two, "size": 3}}
    session = start_session(platform, "sessions", manifest).json()["result"]
    assert session["buckets"] == [[one, two]]

    first = send(platform, session["jwt"], **{one: b"one"})
    second = send(platform, session["jwt"], **{two: b"two"})

    assert (first.status_code, first.json()["result"]) == (202, {"jwt": None})
    assert second.status_code == 201
    assert second.json()["result"]["jwt"]
    again = start_session(platform, "sessions", manifest).json()["result"]
    assert again["buckets"] == []


def test_a_file_that_was_sent_for_one_worker_is_not_used_for_another(platform: Platform) -> None:
    hash_ = "c" * 32
    manifest = {"/a.txt": {"hash": hash_, "size": 3}}
    session = start_session(platform, "hostile", manifest).json()["result"]
    assert send(platform, session["jwt"], **{hash_: b"bad"}).status_code == 201

    other = start_session(platform, "honest", manifest).json()["result"]

    assert other["buckets"] == [[hash_]]


def test_files_that_were_not_announced_are_refused(platform: Platform) -> None:
    hash_ = "a" * 32
    manifest = {"/a.txt": {"hash": hash_, "size": 3}}
    token = start_session(platform, "unannounced", manifest).json()["result"]["jwt"]

    other = send(platform, token, **{"b" * 32: b"one"})
    longer = send(platform, token, **{hash_: b"longer"})

    assert [error_codes(other), error_codes(longer)] == [[10021], [10021]]


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_files_need_the_token_of_their_session(platform: Platform, token: str) -> None:
    assert send(platform, token or platform.token).status_code == 401


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {"relative.txt": {"hash": "a" * 32, "size": 1}},
        {"/../outside.txt": {"hash": "a" * 32, "size": 1}},
        {"/a%2Fb.txt": {"hash": "a" * 32, "size": 1}},
        {"/%2e%2e/a.txt": {"hash": "a" * 32, "size": 1}},
        {"/a.txt": {"hash": "../../escape", "size": 1}},
        {"/a.txt": {"hash": "a" * 32, "size": 26 * 1024 * 1024}},
        {"/a.txt": None},
    ],
)
def test_a_bad_manifest_is_refused(platform: Platform, manifest: object) -> None:
    response = start_session(platform, "bad-manifest", manifest)

    assert (response.status_code, error_codes(response)) == (400, [10021])
