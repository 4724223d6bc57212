"""The npm packages of a project."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.documents.projects.examples import FILES
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.packages import Packages, read_packages

_LOCKED = {
    "": {"name": "x"},
    "node_modules/zod": {"resolved": "https://registry.npmjs.org/zod/-/zod-4.1.0.tgz"},
}


def _read(manifest: Any, lock: Any = None, **more: str) -> Packages:
    files: ProjectFiles = {**FILES, **more}
    for name, value in (("package.json", manifest), ("package-lock.json", lock)):
        if value is not None:
            files[name] = value if isinstance(value, str) else json.dumps(value, indent=1)
    return read_packages(files)


def _lock(packages: dict[str, Any], version: Any = 3) -> dict[str, Any]:
    return {"lockfileVersion": version, "packages": packages}


def test_a_project_without_packages_has_none() -> None:
    assert _read(None) == Packages()


def test_development_and_peer_dependencies_are_not_installed() -> None:
    packages = _read(
        {
            "dependencies": {"zod": "^4.1.0", "@scope/a": "~1.0"},
            "optionalDependencies": {"b": "1.x"},
            "devDependencies": {"wrangler": "^4", "local": "file:../x"},
            "peerDependencies": {"react": ">=18 <20 || 21"},
            "overrides": {"c": {".": "2.0.0", "d": "$zod"}},
        }
    )
    assert packages.dependencies == {"zod": "^4.1.0", "@scope/a": "~1.0", "b": "1.x"}
    assert packages.development == {
        "wrangler": "^4",
        "local": "file:../x",
        "react": ">=18 <20 || 21",
    }
    assert packages.overrides == {"c": {".": "2.0.0", "d": "$zod"}}
    assert not packages.problems
    assert not packages.has_lock


def test_the_lock_file_is_kept_as_it_is() -> None:
    text = json.dumps(_lock(_LOCKED), indent=4) + "\r\n"
    packages = _read({"dependencies": {"zod": "^4"}}, text)
    assert (packages.has_lock, packages.lock, packages.problems) == (True, text, ())
    assert not packages.notes


@pytest.mark.parametrize(
    "version",
    [
        "", "*", "latest", "1", "1.2.3", "^1.2.3-beta.1", "~1.2", ">=1.0.0 <2.0.0", "1 - 2", "1.x || >=2.5.0",
        "npm:other@^1.0.0", "npm:@scope/other@1", "npm:other", "next-1",
    ],
)  # fmt: skip
def test_versions_of_the_registry_are_accepted(version: str) -> None:
    assert not _read({"dependencies": {"a": version}}).problems


@pytest.mark.parametrize(
    "version",
    [
        "file:../x", "link:../x", "../x", "./x", ".", "..", "~/x", "/x", "C:\\x", "x.tgz", "x.TAR.GZ", "x.tar", " x.tgz ",
        "git+ssh://git@github.com/a/b", "git://github.com/a/b", "git@github.com:a/b.git", "github:a/b", "a/b", "a/b#main",
        "gitlab:a/b", "gist:1", "http://localhost/x", "https://example.com/x.tgz", "workspace:*", "portal:../x", "catalog:",
        "patch:a@1", "npm:../x", "npm:a@file:../x", "npm:npm:a", "jsr:@a/b", "1\n2", "1\x01", "%2e%2e", "x" * 300,
    ],
)  # fmt: skip
def test_packages_from_anywhere_else_are_refused(version: str) -> None:
    packages = _read({"name": "x", "dependencies": {"a": version}})
    [problem] = packages.problems
    assert (problem.file, problem.line, problem.key) == ("package.json", 4, "dependencies.a")
    assert "a" not in packages.dependencies
    assert _read({"optionalDependencies": {"a": version}}).problems
    assert _read({"overrides": {"b": {"c": version}}}).problems


@pytest.mark.parametrize(
    "name",
    ["", "..", "a/b", "../a", "@a", "@/a", "A", "a b", "a\n", "x" * 300, "node_modules/../a"],
)
def test_names_that_the_registry_does_not_have_are_refused(name: str) -> None:
    [problem] = _read({"dependencies": {name: "1"}}).problems
    assert "is not the name of an npm package" in problem.message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{", 1, "is not JSON"),
        ('{"a": 1,\n}', 2, "is not JSON"),
        ("// comment\n{}", 1, "is not JSON"),
        ("[]", 0, "must be an object"),
        ('{"dependencies":\n[]}', 2, "must be an object"),
        ('{"dependencies": {\n"zod": 4}}', 2, "must be a version such as"),
        ('{"scripts": {},\n"scripts": {}}', 0, "twice"),
        ("[" * 100_000, 0, "is not JSON"),
        ('{"a":' * 40 + "1" + "}" * 40, 0, "levels deep"),
        ("{" + " " * 300_000 + "}", 0, "is larger than 256 KB"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_reported(text: str, line: int, message: str) -> None:
    [problem] = _read(text).problems
    assert (problem.file, problem.line) == ("package.json", line)
    assert message in problem.message


def test_workspaces_are_refused() -> None:
    [problem] = _read({"workspaces": ["packages/*"]}).problems
    assert problem.key == "workspaces"


def test_a_lock_file_that_npm_would_prefer_is_refused() -> None:
    [problem] = _read({}, _lock({}), **{"npm-shrinkwrap.json": "{}"}).problems
    assert "rename it to package-lock.json" in problem.message


def test_notes_say_what_a_deploy_ignores() -> None:
    manifest = {
        "scripts": {"postinstall": "x"},
        "devDependencies": {"a": "1"},
        "dependencies": {"b": "1"},
    }
    packages = _read(manifest, **{"yarn.lock": "", "pnpm-lock.yaml": ""})
    notes = "\n".join(map(str, packages.notes))
    for part in (
        "scripts: are never run",
        "devDependencies: are not installed",
        "pnpm-lock.yaml is not read",
        "yarn.lock is not read",
    ):
        assert part in notes
    assert "There is no package-lock.json" in notes
    assert all(note.is_warning for note in packages.notes)


@pytest.mark.parametrize(
    "package",
    [
        {"resolved": "git+ssh://git@github.com/a/b.git#1"},
        {"resolved": "https://example.com/a.tgz"},
        {"resolved": "https://registry.npmjs.org.example.com/a.tgz"},
        {"resolved": "git+https://example.com/a.git", "integrity": "sha512-x"},
        {"resolved": "file:../a"},
        {"resolved": "packages/a", "link": True},
        {"link": True},
        {"resolved": 5},
        "a",
    ],
)
def test_a_lock_file_with_other_sources_is_refused(package: object) -> None:
    packages = _read({"dependencies": {"zod": "4"}}, _lock({**_LOCKED, "node_modules/a": package}))
    [problem] = packages.problems
    assert (problem.file, problem.key) == ("package-lock.json", "packages.node_modules/a")
    assert problem.line > 1


@pytest.mark.parametrize(
    "resolved", [{}, {"resolved": "https://npm.example.com/zod/-/zod-4.1.0.tgz"}]
)
def test_packages_of_any_registry_are_accepted_with_their_checksum(
    resolved: dict[str, str],
) -> None:
    lock = _lock({"node_modules/zod": {"version": "4.1.0", "integrity": "sha512-x", **resolved}})
    assert not _read({"dependencies": {"zod": "4"}}, lock).problems


@pytest.mark.parametrize("version", [1, None, "3", 4, True])
def test_other_versions_of_the_lock_file_are_refused(version: object) -> None:
    [problem] = _read({}, _lock({}, version)).problems
    assert problem.key == "lockfileVersion"


def test_a_lock_file_that_does_not_fit_is_reported() -> None:
    [problem] = _read({"dependencies": {"zod": "4", "hono": "4"}}, _lock(_LOCKED)).problems
    assert str(problem) == (
        'package-lock.json: does not list "hono", which is in package.json: run `npm install`'
    )


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(
                [
                    "dependencies",
                    "overrides",
                    "packages",
                    "lockfileVersion",
                    "resolved",
                    "zod",
                    ".",
                    "",
                ]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(manifest=_JSON, lock=_JSON)
@settings(max_examples=examples(200, 3_000), deadline=None)
def test_files_of_any_content_can_be_read(manifest: Any, lock: Any) -> None:
    packages = _read(json.dumps(manifest), json.dumps(lock))
    assert all(
        problem.file in ("package.json", "package-lock.json") for problem in packages.problems
    )
