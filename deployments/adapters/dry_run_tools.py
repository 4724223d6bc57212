"""Tools that look and make nothing: for a plan, a preflight, and a comparison with what is live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployments.adapters.deploy_tools import DeployTools
from targets.cloudflare import resources, versions
from targets.cloudflare.errors import DeployError
from workflows.ir.reading.bindings import BindingKind

_UNFINISHED = ("queued", "running", "paused", "waiting", "waitingForPause", "rollingBack")


def refuse_writes() -> None:
    """Whoever looks has nothing to write: a write that is tried is a fault of ours."""
    raise AssertionError("a plan must not write")


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRunTools(DeployTools):
    def provide(self, kind: BindingKind, name: str) -> str:
        """Return what is there of this name, or say that a deployment would make it."""
        return resources.find(self.account, kind, name) or f"(new) {name}"

    def env(self, worker: str, version: str) -> list[dict[str, Any]]:
        return versions.version_bindings(self.account, worker, version) or []

    def runs(self, workflow: str) -> Mapping[str, int]:
        """A token that may not look at Workflows knows of no runs."""
        try:
            counts = self.account.run_counts(workflow)
        except DeployError:
            return {}
        return {state: count for state, count in counts.items() if state in _UNFINISHED and count}
