"""Lock files in which a package could be replaced by another are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from supply_chain.__main__ import installed_packages, lock_files, main
from supply_chain.licenses import UNKNOWN, license_of
from supply_chain.lock_files import problems, read

SHA256 = f"--hash=sha256:{'a' * 64}"
SHA512 = "sha512-" + "A" * 86 + "=="


def requirements(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(text)
    return path


def package_lock(tmp_path: Path, **entry: Any) -> Path:
    path = tmp_path / "package-lock.json"
    packages = {"": {"name": "ours"}, "node_modules/@a/b": {"version": "1.2.3", **entry}}
    path.write_text(json.dumps({"lockfileVersion": 3, "packages": packages}))
    return path


@pytest.mark.parametrize("path", lock_files(), ids=lambda path: path.name)
def test_every_package_of_this_project_is_pinned_by_a_hash(path: Path) -> None:
    assert problems(path) == []
    assert read(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a==1", "a 1 has no hash"),
        (f"a==1 \\\n    {SHA256}\nb==2 ; sys_platform == 'win32'", "b 2 has no hash"),
        ("a==1 --hash=md5:0123", "a 1 has a weak hash (md5)"),
        (f"a>=1 {SHA256}", "a is not pinned with =="),
        (f"a==1.* {SHA256}", "a is not pinned with =="),
        (f"a @ git+https://example.com/a {SHA256}", "a is not pinned with =="),
        ("-e .", "-e . is not a package with a version"),
        ("--extra-index-url https://example.com", "example.com is not a package with a version"),
    ],
)
def test_a_requirement_that_does_not_name_one_file_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    assert problem in "\n".join(problems(requirements(tmp_path, text)))


def test_requirements_may_have_several_hashes_markers_and_comments(tmp_path: Path) -> None:
    hashes = f"\\\n    {SHA256} \\\n    {SHA256}\n"
    text = f"# by uv\na[x]==1.0 ; python_version < '3.12' {hashes}    # via b\n"
    path = requirements(tmp_path, text)

    (package,) = read(path)

    assert problems(path) == []
    assert (package.name, package.version, len(package.hashes)) == ("a", "1.0", 2)
    assert package.is_optional


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "@a/b 1.2.3 has no hash"),
        ({"integrity": "sha1-AAAA"}, "has a weak hash (sha1)"),
        ({"integrity": SHA512, "resolved": "git+ssh://example.com/b"}, "comes from git+ssh:"),
        ({"integrity": SHA512, "resolved": "http://example.com/b.tgz"}, "comes from http:"),
    ],
)
def test_an_npm_package_that_does_not_name_one_file_is_refused(
    tmp_path: Path, entry: dict[str, Any], problem: str
) -> None:
    assert problem in "\n".join(problems(package_lock(tmp_path, **entry)))


def test_the_command_fails_and_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["supply_chain", "check", str(package_lock(tmp_path))])

    assert main() == 1
    assert capsys.readouterr().out == "package-lock.json: @a/b 1.2.3 has no hash\n"


def test_the_license_of_every_package_is_known() -> None:
    assert [p.label for p in installed_packages() if license_of(p) == UNKNOWN] == []
