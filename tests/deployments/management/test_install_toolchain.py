"""`manage.py install_toolchain` says what to do if the tools cannot be installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from toolchain import node_tools, tools_folder


def test_a_folder_that_cannot_be_written_is_replaced_by_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(node_tools, "IS_CHECKOUT", False)
    monkeypatch.setattr(node_tools, "TOOLCHAIN", tmp_path / "file" / "tools")

    with pytest.raises(CommandError, match="Set AWAITSTEP_TOOLCHAIN_DIR to another folder"):
        call_command("install_toolchain")


def test_the_failure_of_npm_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise subprocess.CalledProcessError(7, ["npm"])

    monkeypatch.setattr(node_tools, "install", fail)

    with pytest.raises(CommandError, match=r"npm failed \(exit code 7\)"):
        call_command("install_toolchain")


def test_tools_of_another_version_count_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_tools, "TOOLCHAIN", tmp_path)

    tools_folder.copy_sources(tmp_path)
    assert node_tools.missing() == [tmp_path]
    tools_folder.mark_as_installed(tmp_path)
    assert node_tools.missing() == []
    (tmp_path / "installed").write_text("those of another version")
    assert node_tools.missing() == [tmp_path]
