"""Only packages of the registry are installed, wherever a package says that its own come from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.pipeline.adapters import npm
from targets.cloudflare.errors import Cause, DeployError
from tests.deployments.pipeline.adapters.npm_registry import VERSION, Registry, npm_registry

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with npm_registry() as registry:
        yield registry


@pytest.fixture
def packages(registry: Registry, tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    registry.use_in(folder)
    return folder


def repository(folder: Path) -> Path:
    """A repository of this server that could be taken for a package."""
    folder.mkdir()
    (folder / "package.json").write_text(f'{{"name": "inner", "version": "{VERSION}"}}')
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    return folder


def install(packages: Path, name: str) -> None:
    npm.install(packages, {name: VERSION}, on_start=lambda _pid: None, on_end=lambda _ended: None)


def test_a_package_of_the_registry_is_installed_with_its_own_ones(
    registry: Registry, packages: Path
) -> None:
    registry.add("inner")
    registry.add("outer", dependencies={"inner": VERSION, "other": f"npm:inner@{VERSION}"})

    install(packages, "outer")

    installed = packages / "node_modules"
    assert {path.name for path in installed.iterdir()} >= {"outer", "inner", "other"}


def test_no_file_of_a_project_is_in_the_home_folder_of_npm(
    registry: Registry, packages: Path
) -> None:
    registry.add("pack")
    (packages / "home").mkdir()
    (packages / "home" / ".npmrc").write_text("offline=true\n")

    install(packages, "pack")

    assert (packages / "node_modules" / "pack").is_dir()


@pytest.mark.parametrize("kind", ["dependencies", "peerDependencies"])
@pytest.mark.parametrize("source", ["repository", "address", "file", "folder"])
def test_a_package_from_elsewhere_is_refused(
    registry: Registry, packages: Path, tmp_path: Path, kind: str, source: str
) -> None:
    folder = repository(tmp_path / "server")
    other = registry.add("elsewhere")
    registry.requested.clear()
    spec = {
        "repository": f"git+file://{folder}",
        "address": other,
        "file": f"file:{folder / 'package.json'}",
        "folder": f"file:{folder}",
    }[source]
    registry.add("outer", **{kind: {"inner": spec}})

    with pytest.raises(DeployError) as refused:
        install(packages, "outer")

    assert refused.value.cause is Cause.PACKAGES
    assert "Nothing was uploaded. Remove the package" in str(refused.value)
    assert str(folder) not in str(refused.value)
    assert not [path for path in registry.requested if "elsewhere" in path]
