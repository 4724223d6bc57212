"""The pipeline's `Remote` and `ChangeTools` ports, implemented with Cloudflare's API."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from targets.cloudflare import resources, tokens, triggers, versions, workers
from targets.cloudflare.account import Account
from targets.cloudflare.worker_parts import Part, Triggers
from workflows.ir.reading.bindings import BindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRun:
    """The output of a program, with secrets masked; `exit_code` is None if it was stopped."""

    program: str
    exit_code: int | None
    seconds: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Callbacks to the runner of the pipeline.

    `before_write` raises if this process may no longer change anything on the target. `hide` masks
    the secrets in the output of programs, before it is shortened or quoted.
    """

    program_started: Callable[[int], None]
    program_ended: Callable[[ProgramRun], None]
    before_write: Callable[[], None]
    hide: Callable[[str], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTools:
    """Reads the target, and changes it as long as this process holds the deployment.

    `message` is stored by Cloudflare with a version that is made live.
    """

    account: Account
    hooks: Hooks
    message: str = ""

    def verify(self) -> None:
        tokens.verify(self.account)

    def live_version(self, worker: str) -> str:
        return self.account.live(worker).version

    def exists(self, kind: BindingKind, resource: str) -> bool:
        return resources.exists(self.account, kind, resource)

    def triggers(self, worker: str, scope: Triggers) -> Triggers:
        return triggers.read(self.account, worker, scope)

    def apply(self, worker: str, part: Part, expected: Triggers) -> None:
        self.hooks.before_write()
        triggers.apply(self.account, worker, part, expected)

    def remove(self, worker: str, part: Part, previous: Triggers) -> None:
        self.hooks.before_write()
        triggers.remove(self.account, worker, part, previous)

    def check_can_apply(self, worker: str, part: Part, expected: Triggers) -> None:
        triggers.check_can_apply(self.account, worker, part, expected)

    def has_worker(self, worker: str) -> bool:
        return self.account.has_worker(worker)

    def version_secrets(self, worker: str, version: str) -> frozenset[str] | None:
        return versions.version_secrets(self.account, worker, version)

    def make_live(self, worker: str, version: str) -> None:
        self.hooks.before_write()
        versions.make_live(self.account, worker, version, message=self.message)

    def secret_names(self, worker: str) -> frozenset[str]:
        return self.account.secret_names(worker)

    def newest_version(self, worker: str) -> str:
        return versions.newest_version(self.account, worker)

    def delete_secrets(self, worker: str, names: Iterable[str]) -> None:
        self.hooks.before_write()
        versions.delete_secrets(self.account, worker, names)

    def bound_workers(self, worker: str) -> frozenset[str]:
        return workers.bound_workers(self.account, worker)

    def workflows(self, worker: str) -> frozenset[str]:
        workflows = self.account.workflows()
        return frozenset(workflow.name for workflow in workflows if workflow.worker == worker)

    def delete_workflow(self, name: str) -> None:
        self.hooks.before_write()
        workers.delete_workflow(self.account, name)

    def delete_worker(self, worker: str) -> None:
        self.hooks.before_write()
        workers.delete_worker(self.account, worker)
