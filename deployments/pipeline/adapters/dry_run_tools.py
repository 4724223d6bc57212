"""Read-only tools, for plans, check reports and drift checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.pipeline.adapters.deploy_tools import DeployTools
from targets.cloudflare import versions
from targets.cloudflare.errors import DeployError
from workflows.ir.reading.bindings import BindingKind

_UNFINISHED = ("queued", "running", "paused", "waiting", "waitingForPause", "rollingBack")
"""Cloudflare's states of a run that are not final."""


def refuse_writes() -> None:
    """The `before_write` hook of a dry run: any write is a bug."""
    raise AssertionError("a dry run must not write")


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunTools(DeployTools):
    """Tools that look things up on the target and never create or change anything."""

    def provide(self, kind: BindingKind, name: str) -> str:
        """Return the existing resource with this name, or a placeholder for a new one."""
        return self.resource_ids.find(kind, name) or f"(new) {name}"

    def env(self, worker: str, version: str) -> list[dict[str, Any]]:
        return versions.version_bindings(self.account, worker, version) or []

    def runs(self, workflow: str) -> Mapping[str, int]:
        """Return the unfinished runs by state; empty if the token may not read Workflows."""
        try:
            counts = self.account.run_counts(workflow)
        except DeployError:
            return {}
        return {state: count for state, count in counts.items() if state in _UNFINISHED and count}
