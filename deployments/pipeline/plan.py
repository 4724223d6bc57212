"""What a deployment would change at its target: the pipeline, stopped before it writes, and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from deployments.pipeline import pipeline
from deployments.pipeline.config import env_diff
from deployments.pipeline.config.env_diff import SECRET, VARIABLE, EnvEntry
from deployments.pipeline.config.runtime_settings import runtime_settings
from deployments.pipeline.ports import DeployRequest, Tools
from deployments.pipeline.stages import Stage
from deployments.pipeline.trigger_reconciler import merged
from targets.cloudflare.errors import DeployError, Finding
from targets.cloudflare.worker_parts import PartKind, Triggers, differences, parse_triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that would be another; `how` is added, removed, changed or kept.

    `what` is its kind in words: code, variable, secret, KV, route, setting. A kept one is a secret that the
    Worker has and the deployment does not name.
    """

    what: str
    name: str
    how: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """What our records know of what is live; `script_hash` is the SHA-256 of its code, or ""."""

    script_hash: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    dependencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would change; `findings` are what keeps it from being deployed, and warnings.

    `runs` are the runs in progress by their status; they go on with the code that they find.
    `uncompared_secrets` are set anew: no target tells the value that they have now.
    """

    is_new: bool = True
    live_version: str = ""
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    uncompared_secrets: tuple[str, ...] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    failed_at: str = ""

    @property
    def can_deploy(self) -> bool:
        return all(finding.is_warning for finding in self.findings) and not self.failed_at

    @property
    def runs_in_progress(self) -> int:
        return sum(self.runs.values())

    @property
    def kept_secrets(self) -> list[str]:
        return [one.name for one in self.changes if one.how == "kept"]

    def refused(self, finding: Finding) -> Plan:
        """Return the same plan with one more thing that keeps it from being deployed."""
        return replace(self, findings=(finding, *self.findings))

    def as_json(self) -> dict[str, Any]:
        """Return the plan as `deploy_workflow --plan --json` prints it."""
        return {
            "canDeploy": self.can_deploy,
            "isNew": self.is_new,
            "liveVersion": self.live_version,
            "changes": [asdict(one) for one in self.changes],
            "uncomparedSecrets": list(self.uncompared_secrets),
            "findings": [one.as_row() for one in self.findings],
            "runsInProgress": dict(self.runs),
        }


class PlanTools(Tools, Protocol):
    """Tools that make nothing: `provide` finds what is there, or says what would be made."""

    def env(self, worker: str, version: str) -> list[dict[str, Any]]:
        """Return the version's bindings in the API's shape."""

    def runs(self, workflow: str) -> Mapping[str, int]:
        """Return how many runs the Workflow has in each state that is not final."""


_NOTHING_KNOWN = LiveRecord()


def make_plan(
    request: DeployRequest, tools: PlanTools, *, known: LiveRecord = _NOTHING_KNOWN
) -> Plan:
    """Return what a deployment of the request would change; it changes nothing."""
    facts: dict[str, Any] = {}
    stage = Stage.INITIALIZING
    try:
        with closing(pipeline.run(request, tools)) as stages:
            for progress in stages:
                stage = progress.stage
                facts |= progress.facts
                if stage is Stage.CREATING_WORKER:
                    break
        return _compared(request, tools, facts, known=known)
    except DeployError as refused:
        return Plan(
            live_version=str(facts.get("live_before", "")),
            is_new=not facts.get("live_before"),
            findings=refused.as_findings(),
            failed_at=stage.value,
        )


def _compared(
    request: DeployRequest, tools: PlanTools, facts: Mapping[str, Any], *, known: LiveRecord
) -> Plan:
    config: dict[str, Any] = json.loads(facts["wrangler_json"])
    live, worker = str(facts["live_before"]), request.worker_name
    wanted = parse_triggers(config)
    found = (
        tools.triggers(worker, merged(request.previous_triggers, wanted)) if live else Triggers()
    )
    there = env_diff.actual_env(tools.env(worker, live)) if live else {}
    if live != request.known_version:
        known = _NOTHING_KNOWN  # somebody else put other code there
    meant = env_diff.expected_env(config, facts["secret_names"])
    changes = [
        *_code(facts, live=live, live_hash=known.script_hash),
        *_packages(known, request),
        *_settings(known, config),
        *_env(there, meant),
        *_triggers(wanted, found),
    ]
    return Plan(
        is_new=not live,
        live_version=live,
        changes=tuple(changes),
        uncompared_secrets=tuple(_uncompared(there, meant)),
        findings=tuple(map(_warning, facts.get("warnings", []))),
        runs=tools.runs(worker) if live and not request.is_script else {},
        config=config,
    )


def _warning(row: Mapping[str, Any]) -> Finding:
    return Finding(**{**row, "is_warning": True})


def _code(facts: Mapping[str, Any], *, live: str, live_hash: str) -> Iterator[Change]:
    size, new = f"{facts['script_size']:,} bytes", str(facts["script_hash"])
    if not live:
        yield Change(what="code", name="", how="added", after=size)
    elif not live_hash:
        yield Change(what="code", name="", how="changed", before="not from our records", after=size)
    elif new != live_hash:
        yield Change(
            what="code", name="", how="changed", before=live_hash[:12], after=f"{new[:12]}, {size}"
        )


def _packages(known: LiveRecord, request: DeployRequest) -> Iterator[Change]:
    if known.script_hash:
        yield from _values(known.dependencies, request.dependencies, what="npm package")


def _settings(known: LiveRecord, config: Mapping[str, Any]) -> Iterator[Change]:
    """What a record has not kept is not compared."""
    if known.config:
        before, after = runtime_settings(known.config), runtime_settings(config)
        yield from _values(before, after, what="setting")


def _values(before: Mapping[str, str], after: Mapping[str, str], *, what: str) -> Iterator[Change]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            yield Change(what=what, name=name, how=_how(old, new), before=old, after=new)


def _how(before: str, after: str) -> str:
    return "changed" if before and after else "added" if after else "removed"


def _uncompared(before: Mapping[str, EnvEntry], after: Mapping[str, EnvEntry]) -> list[str]:
    secret = EnvEntry(kind=SECRET)
    return sorted(name for name in after if after[name] == before.get(name) == secret)


def _env(before: Mapping[str, EnvEntry], after: Mapping[str, EnvEntry]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if new is None and old is not None:
            how = "kept" if old.kind == SECRET else "removed"
            yield Change(what=old.kind, name=name, how=how, before=_shown(old))
        elif old is None and new is not None:
            yield Change(what=new.kind, name=name, how="added", after=_shown(new))
        elif old is not None and new is not None:
            yield Change(
                what=new.kind, name=name, how="changed", before=_shown(old), after=_shown(new)
            )


def _shown(held: EnvEntry) -> str:
    """A variable is shown by its value, a resource by its id; a kind that changes by its word."""
    return held.value if held.kind == VARIABLE else str(held)


def _triggers(wanted: Triggers, found: Triggers) -> Iterator[Change]:
    for one in differences(wanted, found):
        if one.part.kind is PartKind.WORKFLOW and not one.wanted:
            continue  # a Workflow keeps its runs, whatever becomes of the Worker
        yield Change(
            what=one.part.kind.label.lower(),
            name=one.part.name,
            how=_how(one.found, one.wanted),
            before=one.found,
            after=one.wanted,
        )
