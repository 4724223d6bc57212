"""A Cloudflare account, or the embedded platform, through the official SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cloudflare
from cloudflare import Cloudflare

from deployments.cloudflare import naming
from deployments.errors import DeployError
from workflows.codegen.bindings import BindingKind

_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The version that takes all requests, "" where none does; `source` is what put it there.

    Cloudflare's sources are "wrangler", "api" and "dash".
    """

    version: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """A Workflow on the target, and the Worker and the class that it runs."""

    name: str
    worker: str
    class_name: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account: address, id and token. `local_port` is the embedded platform's, else None."""

    account_id: str
    api_base_url: str
    api_token: str = field(repr=False)
    local_port: int | None = None

    @cached_property
    def client(self) -> Cloudflare:
        return Cloudflare(
            api_token=self.api_token, base_url=self.api_base_url, timeout=_SECONDS, max_retries=2
        )

    def verify(self) -> None:
        """Raise DeployError unless the token is active; user and account tokens have a path each."""
        with self.explained("verify the API token"):
            try:
                answer: Any = self.client.user.tokens.verify()
            except cloudflare.APIStatusError as refused:
                if refused.status_code not in (400, 401, 403):
                    raise
                answer = self.client.accounts.tokens.verify(account_id=self.account_id)
        if answer is None or answer.status != "active":
            state = answer.status if answer else "unknown"
            raise DeployError(
                f"The API token is {state}, not active. Make a new one at the target."
            )

    def worker_url(self, worker: str) -> str:
        """Return where the Worker answers; raises DeployError without a workers.dev subdomain."""
        if self.local_port:
            return naming.local_worker_url(worker, self.local_port)
        with self.explained("read the account's workers.dev subdomain"):
            answer = self.client.workers.subdomains.get(account_id=self.account_id)
        if answer is None or not answer.subdomain:
            raise DeployError(
                "The account has no workers.dev subdomain yet, and Workflows need one. "
                "Choose it on Cloudflare's dashboard under Workers & Pages, then deploy again."
            )
        return naming.worker_url(worker, answer.subdomain)

    def live(self, worker: str) -> Live:
        """Return what answers the Worker's requests now."""
        newest = self._newest(worker)
        whole = (one for one in newest.get("versions", []) if one["percentage"] == 100)
        version = next((str(one["version_id"]) for one in whole), "")
        return Live(version=version, source=str(newest.get("source", "")))

    def _newest(self, worker: str) -> dict[str, Any]:
        """Return the Worker's newest deployment at the target, in Cloudflare's shape."""
        with self.explained("read the Worker's deployments"):
            try:
                page: Any = self.client.workers.scripts.deployments.list(
                    worker, account_id=self.account_id
                )
            except cloudflare.NotFoundError:
                return {}
        # Cloudflare answers {"deployments": [...]}, newest first; the SDK's page expects "items".
        answered = page.result.to_dict() if page.result else {}
        newest: dict[str, Any] = next(iter(answered.get("deployments") or []), {})
        return newest

    def secret_names(self, worker: str) -> frozenset[str]:
        """Return the names of the secrets that the Worker has now."""
        with self.explained("list the Worker's secrets"):
            try:
                listed = self.client.workers.scripts.secrets.list(
                    worker, account_id=self.account_id
                )
                return frozenset(str(secret.name) for secret in listed)
            except cloudflare.NotFoundError:
                return frozenset()

    def workflow(self, name: str) -> Hosted | None:
        """Return the Workflow of this name; None where there is none."""
        with self.explained("look for the Workflow"):
            try:
                answer: Any = self.client.workflows.get(name, account_id=self.account_id)
            except cloudflare.NotFoundError:
                return None
        return _hosted(answer) if answer else None

    def workflow_of(self, worker: str, class_name: str) -> Hosted | None:
        """Return the Workflow that a class of a Worker runs; None where there is none."""
        with self.explained("list the Workflows"):
            listed = map(_hosted, self.client.workflows.list(account_id=self.account_id))
            mine = (one for one in listed if (one.worker, one.class_name) == (worker, class_name))
            return next(mine, None)

    def has_worker(self, worker: str) -> bool:
        """Tell whether a Worker of this name has been deployed, in whatever version."""
        return bool(self._newest(worker))

    def find_or_create(self, kind: BindingKind, name: str) -> str:
        """Return what a binding calls the resource by: its id, for R2 and queues its name.

        It is made if there is none of this name.
        """
        with self.explained(f"find or create the {kind.label} {name}"):
            return _FINDERS[kind](self.client, self.account_id, name)

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        """Turn the SDK's errors into a DeployError that says what could not be done, and why."""
        try:
            yield
        except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError) as refused:
            raise DeployError(
                f"The target refused the credentials when asked to {doing} ({_reason(refused)}). "
                "Check the target's account id and API token: the token may be wrong, expired or "
                "lack a permission."
            ) from None
        except cloudflare.APIStatusError as error:
            raise DeployError(f"The target could not {doing}: {_reason(error)}.") from None
        except cloudflare.APIConnectionError:
            raise DeployError(
                f"Nothing answers at {self.api_base_url}, so I could not {doing}. {self._start()}"
            ) from None

    def _start(self) -> str:
        if self.local_port:
            return "Start the embedded platform: make run, or manage.py local_cloudflare."
        return "Check the target's API base URL and this server's network."


def _reason(error: cloudflare.APIStatusError) -> str:
    """Cloudflare's own codes and sentences, which hold nothing of ours."""
    body = error.body if isinstance(error.body, dict) else {}
    told = [f"{item.get('message')} [code {item.get('code')}]" for item in body.get("errors") or []]
    return "; ".join(told) or f"HTTP status {error.status_code}"


def _hosted(answer: Any) -> Hosted:
    return Hosted(
        name=str(answer.name), worker=str(answer.script_name), class_name=str(answer.class_name)
    )


def _kv(client: Cloudflare, account: str, name: str) -> str:
    for namespace in client.kv.namespaces.list(account_id=account):
        if namespace.title == name:
            return str(namespace.id)
    made = client.kv.namespaces.create(account_id=account, title=name)
    return str(made.id if made else "")


def _d1(client: Cloudflare, account: str, name: str) -> str:
    for database in client.d1.database.list(account_id=account, name=name):
        if database.name == name:
            return str(database.uuid)
    return str(client.d1.database.create(account_id=account, name=name).uuid)


def _r2(client: Cloudflare, account: str, name: str) -> str:
    try:
        client.r2.buckets.get(name, account_id=account)
    except cloudflare.NotFoundError:
        client.r2.buckets.create(account_id=account, name=name)
    return name


def _queue(client: Cloudflare, account: str, name: str) -> str:
    if not any(queue.queue_name == name for queue in client.queues.list(account_id=account)):
        client.queues.create(account_id=account, queue_name=name)
    return name


_FINDERS: dict[BindingKind, Callable[[Cloudflare, str, str], str]] = {
    BindingKind.KV: _kv,
    BindingKind.D1: _d1,
    BindingKind.R2: _r2,
    BindingKind.QUEUE: _queue,
}
MAKES: frozenset[BindingKind] = frozenset(_FINDERS)
