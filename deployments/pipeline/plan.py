"""What a deploy would change on its target: the pipeline, stopped before it writes, and a diff."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Protocol

from deployments.pipeline import pipeline
from deployments.pipeline.config import env_diff
from deployments.pipeline.config.env_diff import SECRET, VARIABLE, EnvEntry
from deployments.pipeline.config.runtime_settings import runtime_settings
from deployments.pipeline.ports import DeployRequest, Tools
from deployments.pipeline.stages import Stage
from deployments.pipeline.trigger_reconciler import merged
from targets.cloudflare.errors import DeployError, Finding
from targets.cloudflare.worker_parts import PartKind, Triggers, differences, parse_triggers

MAX_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change; `how` is added, removed, changed or kept, `what` is code, variable, route etc.

    "kept" is a secret that the Worker has and no variable sets.
    """

    what: str
    name: str
    how: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """What our records say about the live version; `script_hash` is the SHA-256 of its code, or ""."""

    script_hash: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    dependencies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would change; `findings` are the errors and warnings.

    `runs` are the numbers of runs in progress by status; these runs continue with the new code.
    `uncompared_secrets` are overwritten without comparison, because secrets cannot be read.
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
    def shown_changes(self) -> tuple[Change, ...]:
        """The changes that a page lists: code can use any number of bindings."""
        return self.changes[:MAX_SHOWN]

    @property
    def hidden_changes(self) -> int:
        return max(len(self.changes) - MAX_SHOWN, 0)

    @property
    def kept_secrets(self) -> list[str]:
        return [change.name for change in self.changes if change.how == "kept"]

    def refused(self, finding: Finding) -> Plan:
        """Return the plan with one more finding."""
        return replace(self, findings=(finding, *self.findings))

    def masked(self, hide: Callable[[str], str]) -> Plan:
        """Return the plan with `hide` applied to what the target says: values and messages."""
        changes = (
            replace(each, before=hide(each.before), after=hide(each.after)) for each in self.changes
        )
        findings = (finding.with_message(hide(finding.message)) for finding in self.findings)
        return replace(self, changes=tuple(changes), findings=tuple(findings))

    def as_json(self) -> dict[str, Any]:
        """Return the plan as `deploy_workflow --plan --json` prints it."""
        return {
            "canDeploy": self.can_deploy,
            "isNew": self.is_new,
            "liveVersion": self.live_version,
            "changes": [asdict(change) for change in self.changes],
            "uncomparedSecrets": list(self.uncompared_secrets),
            "findings": [finding.as_row() for finding in self.findings],
            "runsInProgress": dict(self.runs),
        }


class PlanTools(Tools, Protocol):
    """Read-only tools: `provide` returns an existing resource or a placeholder for a new one."""

    def env(self, worker: str, version: str) -> list[dict[str, Any]]:
        """Return the version's bindings in the API's shape."""

    def runs(self, workflow: str) -> Mapping[str, int]:
        """Return the number of unfinished runs of the Workflow by state."""


_NO_RECORD = LiveRecord()


def make_plan(request: DeployRequest, tools: PlanTools, *, record: LiveRecord = _NO_RECORD) -> Plan:
    """Return what a deploy of the request would change, without changing anything."""
    facts: dict[str, Any] = {}
    stage = Stage.INITIALIZING
    try:
        with closing(pipeline.run(request, tools)) as stages:
            for progress in stages:
                stage = progress.stage
                facts |= progress.facts
                if stage is Stage.CREATING_WORKER:
                    break
        return _compare(request, tools, facts, record=record)
    except DeployError as refused:
        return Plan(
            live_version=str(facts.get("live_before", "")),
            is_new=not facts.get("live_before"),
            findings=refused.as_findings(),
            failed_at=stage.value,
        )


def _compare(
    request: DeployRequest, tools: PlanTools, facts: Mapping[str, Any], *, record: LiveRecord
) -> Plan:
    config: dict[str, Any] = json.loads(facts["wrangler_json"])
    live, worker = str(facts["live_before"]), request.worker_name
    expected = parse_triggers(config)
    actual = (
        tools.triggers(worker, merged(request.previous_triggers, expected)) if live else Triggers()
    )
    actual_env = env_diff.actual_env(tools.env(worker, live)) if live else {}
    if live != request.known_version:
        record = _NO_RECORD  # the live version was deployed from elsewhere
    expected_env = env_diff.expected_env(config, facts["secret_names"])
    changes = [
        *_code(facts, live=live, live_hash=record.script_hash),
        *_packages(record, request),
        *_settings(record, config),
        *_env(actual_env, expected_env),
        *_triggers(expected, actual),
    ]
    return Plan(
        is_new=not live,
        live_version=live,
        changes=tuple(changes),
        uncompared_secrets=tuple(_uncompared(actual_env, expected_env)),
        findings=tuple(map(_warning, facts.get("warnings", []))),
        runs=_runs(request, tools) if live else {},
        config=config,
    )


def _runs(request: DeployRequest, tools: PlanTools) -> dict[str, int]:
    """Return the number of unfinished runs of all its Workflows, by state."""
    return dict(sum((Counter(tools.runs(name)) for name in request.workflows), Counter()))


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


def _packages(record: LiveRecord, request: DeployRequest) -> Iterator[Change]:
    if record.script_hash:
        yield from _values(record.dependencies, request.dependencies, what="npm package")


def _settings(record: LiveRecord, config: Mapping[str, Any]) -> Iterator[Change]:
    """Compare the settings with the recorded ones: the target does not return all of them."""
    if record.config:
        before, after = runtime_settings(record.config), runtime_settings(config)
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


def _shown(entry: EnvEntry) -> str:
    """Return the value of a variable, or the kind and id of a resource."""
    return entry.value if entry.kind == VARIABLE else str(entry)


def _triggers(expected: Triggers, actual: Triggers) -> Iterator[Change]:
    for difference in differences(expected, actual):
        part, before, after = difference.part, difference.actual, difference.expected
        if part.kind is PartKind.WORKFLOW and not after:
            continue  # a deploy never deletes a Workflow, which has runs
        what = part.kind.label.lower()
        yield Change(what=what, name=part.name, how=_how(before, after), before=before, after=after)
