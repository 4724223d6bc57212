"""The bill of materials lists what is installed, in valid CycloneDX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from supply_chain.__main__ import installed_packages, main


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    file = tmp_path / "sbom.json"
    monkeypatch.setattr("sys.argv", ["supply_chain", "sbom", str(file)])
    assert main() == 0
    return file.read_text()


def component(text: str, name: str) -> dict[str, Any]:
    (found,) = [c for c in json.loads(text)["components"] if c["name"] == name]
    return dict(found)


def test_it_is_valid(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_has_every_package_once_with_its_license(text: str) -> None:
    components = json.loads(text)["components"]

    assert len(components) == len({(p.ecosystem, p.label) for p in installed_packages()})
    assert all(c["licenses"] for c in components)
    assert all(c["purl"].startswith(("pkg:pypi/", "pkg:npm/")) for c in components)


def test_it_has_the_hash_of_an_npm_package_and_those_of_the_files_of_a_python_package(
    text: str,
) -> None:
    (of_npm,) = component(text, "wrangler")["hashes"]
    (files,) = component(text, "django")["externalReferences"]

    assert (of_npm["alg"], len(of_npm["content"])) == ("SHA-512", 128)
    assert {found["alg"] for found in files["hashes"]} == {"SHA-256"}


def test_it_leaves_out_what_only_development_needs(text: str) -> None:
    names = {c["name"] for c in json.loads(text)["components"]}

    assert {"django", "wrangler", "miniflare"} <= names
    assert not {"pytest", "@biomejs/biome", "axe-core"} & names
