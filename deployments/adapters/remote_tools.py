"""What stands around a Worker at its target, for real: the official SDK behind the pipeline's ports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from targets.cloudflare import resources, tokens, triggers, versions, workers
from targets.cloudflare.account import Account
from targets.cloudflare.worker_parts import Part, Triggers
from workflows.ir.reading.bindings import BindingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRun:
    """What a program printed, redacted; `exit_code` None: it was ended before its end."""

    program: str
    exit_code: int | None
    seconds: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the pipeline's runner wants to hear or be asked.

    `before_write` raises where this process may change nothing more at the target. `hide` masks the
    secrets in what programs print, before any of it is cut or put into a sentence.
    """

    program_started: Callable[[int], None]
    program_ended: Callable[[ProgramRun], None]
    before_write: Callable[[], None]
    hide: Callable[[str], str] = str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteTools:
    """Reads what is at the target, and changes it as long as this process holds the deployment.

    `message` is what Cloudflare keeps beside a version that is put live.
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

    def put(self, worker: str, part: Part, wanted: Triggers) -> None:
        self.hooks.before_write()
        triggers.apply(self.account, worker, part, wanted)

    def remove(self, worker: str, part: Part, previous: Triggers) -> None:
        self.hooks.before_write()
        triggers.remove(self.account, worker, part, previous)

    def check_put(self, worker: str, part: Part, wanted: Triggers) -> None:
        triggers.check_can_apply(self.account, worker, part, wanted)

    def has_worker(self, worker: str) -> bool:
        return self.account.has_worker(worker)

    def has_version(self, worker: str, version: str) -> bool:
        return versions.version_bindings(self.account, worker, version) is not None

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

    def users(self, worker: str) -> frozenset[str]:
        return workers.bound_workers(self.account, worker)

    def workflows(self, worker: str) -> frozenset[str]:
        return frozenset(one.name for one in self.account.workflows() if one.worker == worker)

    def delete_workflow(self, name: str) -> None:
        self.hooks.before_write()
        workers.delete_workflow(self.account, name)

    def delete_worker(self, worker: str) -> None:
        self.hooks.before_write()
        workers.delete_worker(self.account, worker)
