"""A Cloudflare account, or the embedded platform, through the official SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import cloudflare
from cloudflare import Cloudflare

from targets.cloudflare import naming
from targets.cloudflare.errors import Cause, DeployError, RateLimited
from targets.cloudflare.retries import retry_after, shared_client

_SECONDS = 30.0
SCRIPTS_READ = "Workers Scripts Read"
SCRIPTS_WRITE = "Workers Scripts Write"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVersion:
    """The version that takes all requests, "" where none does; `source` is what put it there.

    Cloudflare's sources are "wrangler", "api" and "dash". `split` has the percentages by version
    where requests go to several, as in a gradual rollout.
    """

    version: str
    source: str
    split: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedWorkflow:
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
        """The SDK; how patient its calls are, `patience.using` says."""
        return Cloudflare(
            api_token=self.api_token,
            base_url=self.api_base_url,
            timeout=_SECONDS,
            max_retries=0,
            http_client=shared_client(),
        )

    def subdomain(self) -> str:
        """Return the account's workers.dev subdomain; "" where it has none."""
        with self.explained("read the account's workers.dev subdomain", needs=SCRIPTS_READ):
            try:
                answer = self.client.workers.subdomains.get(account_id=self.account_id)
            except cloudflare.NotFoundError:
                return ""
        return answer.subdomain if answer else ""

    def worker_url(self, worker: str, subdomain: str) -> str:
        """Return where the Worker answers."""
        if self.local_port:
            return naming.local_worker_url(worker, self.local_port)
        return naming.worker_url(worker, subdomain)

    def live(self, worker: str) -> LiveVersion:
        """Return what answers the Worker's requests now."""
        newest = self._newest(worker)
        shares = {str(one["version_id"]): one["percentage"] for one in newest.get("versions", [])}
        version = next((one for one, percentage in shares.items() if percentage == 100), "")
        source = str(newest.get("source", ""))
        return LiveVersion(version=version, source=source, split={} if version else shares)

    def _newest(self, worker: str) -> dict[str, Any]:
        """Return the Worker's newest deployment at the target, in Cloudflare's shape."""
        with self.explained("read the Worker's deployments", needs=SCRIPTS_READ):
            try:
                page: Any = self.client.workers.scripts.deployments.list(
                    worker, account_id=self.account_id
                )
            except cloudflare.NotFoundError as missing:
                if is_unknown_account(missing):
                    raise
                return {}
        # Cloudflare answers {"deployments": [...]}, newest first; the SDK's page expects "items".
        answered = page.result.to_dict() if page.result else {}
        newest: dict[str, Any] = next(iter(answered.get("deployments") or []), {})
        return newest

    def secret_names(self, worker: str) -> frozenset[str]:
        """Return the names of the secrets that the Worker has now."""
        with self.explained("list the Worker's secrets", needs=SCRIPTS_READ):
            try:
                listed = self.client.workers.scripts.secrets.list(
                    worker, account_id=self.account_id
                )
                return frozenset(str(secret.name) for secret in listed)
            except cloudflare.NotFoundError:
                return frozenset()

    def workflow(self, name: str) -> HostedWorkflow | None:
        """Return the Workflow of this name; None where there is none."""
        with self.explained("look for the Workflow", needs=SCRIPTS_READ):
            try:
                answer: Any = self.client.workflows.get(name, account_id=self.account_id)
            except cloudflare.NotFoundError:
                return None
        return _hosted(answer) if answer else None

    def run_counts(self, workflow: str) -> dict[str, int]:
        """Return how many runs the Workflow has in each state; none where there is no Workflow."""
        with self.explained("count the runs", needs=SCRIPTS_READ):
            try:
                answer: Any = self.client.workflows.get(workflow, account_id=self.account_id)
            except cloudflare.NotFoundError:
                return {}
        counts = answer.to_dict().get("instances") or {} if answer else {}
        return {str(state): int(count or 0) for state, count in counts.items()}

    def workflows(self) -> list[HostedWorkflow]:
        """Return all Workflows of the account."""
        with self.explained("list the Workflows", needs=SCRIPTS_READ):
            return list(map(_hosted, self.client.workflows.list(account_id=self.account_id)))

    def workflow_of(self, worker: str, class_name: str) -> HostedWorkflow | None:
        """Return the Workflow that a class of a Worker runs; None where there is none."""
        mine = (one for one in self.workflows() if one.worker == worker)
        return next((one for one in mine if one.class_name == class_name), None)

    def has_worker(self, worker: str) -> bool:
        """Tell whether a Worker of this name has been deployed, in whatever version."""
        return bool(self._newest(worker))

    @contextmanager
    def explained(
        self, doing: str, *, needs: str = "", cause: Cause = Cause.TARGET
    ) -> Iterator[None]:
        """Turn the SDK's errors into a DeployError that says what could not be done, and why.

        `needs` is the permission that a token must have for it.
        """
        try:
            yield
        except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError) as refused:
            raise self._refused(doing, refused, needs) from None
        except cloudflare.RateLimitError as busy:
            raise rate_limited(retry_after(busy.response.headers), doing) from None
        except cloudflare.APIStatusError as error:
            if is_unknown_account(error):
                raise self._unknown_account(error) from None
            if is_unknown_token(error):
                raise self._refused(doing, error, "") from None
            sentence = f"The target could not {doing}: {reason(error)}."
            raise DeployError(sentence, cause=cause) from None
        except cloudflare.APIConnectionError as lost:
            if isinstance(lost.__cause__, DeployError):  # a wait that was ended
                raise lost.__cause__ from None
            raise DeployError(
                f"Nothing answers at {self.api_base_url}, so I could not {doing}. {self._start()}",
                cause=Cause.UNREACHABLE,
            ) from None

    def _refused(self, doing: str, refused: cloudflare.APIStatusError, needs: str) -> DeployError:
        """A token is verified first: what it is refused later, it has no permission for."""
        if not needs or is_unknown_token(refused):
            return DeployError(
                f"The target refused the credentials when asked to {doing} ({reason(refused)}). "
                "Check the target's account id and API token: the token may be wrong or expired.",
                cause=Cause.CREDENTIALS,
            )
        return DeployError(
            f"The API token may not {doing} ({reason(refused)}). It lacks the permission "
            f"«{needs}», or is not for the account {self.account_id}. Edit the token on "
            "Cloudflare's dashboard, then try again.",
            cause=Cause.PERMISSION,
        )

    def _unknown_account(self, error: cloudflare.APIStatusError) -> DeployError:
        return DeployError(
            f"The target finds no account {self.account_id} for this token ({reason(error)}): the "
            f"token is not for the account {self.account_id}, or the id is wrong. Correct the "
            "target's account id, or set a token of that account.",
            cause=Cause.CREDENTIALS,
        )

    def _start(self) -> str:
        if self.local_port:
            return "Start the embedded platform: make run, or manage.py local_cloudflare."
        return "Check the target's API base URL and this server's network."


def rate_limited(seconds: float, doing: str) -> RateLimited:
    """Return the refusal of a target that asks to wait so long."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return RateLimited(
        f"The target is asked too often and could not {doing}: it takes calls again at "
        f"{until:%H:%M:%S} UTC. Cloudflare allows 1,200 calls in 5 minutes to all tools of a user.",
        until=until,
    )


def reason(error: cloudflare.APIStatusError) -> str:
    """Cloudflare's own codes and sentences, which hold nothing of ours."""
    told = [f"{item.get('message')} [code {item.get('code')}]" for item in _errors(error)]
    return "; ".join(told) or f"HTTP status {error.status_code}"


def codes(error: cloudflare.APIStatusError) -> frozenset[int]:
    """Cloudflare's codes alone."""
    return frozenset(int(item.get("code") or 0) for item in _errors(error))


def _errors(error: cloudflare.APIStatusError) -> list[dict[str, Any]]:
    body = error.body if isinstance(error.body, dict) else {}
    return [item for item in body.get("errors") or [] if isinstance(item, dict)]


def is_unknown_account(error: cloudflare.APIStatusError) -> bool:
    """Tell whether the account in the address is none that the target finds."""
    return bool(codes(error) & {7000, 7003})


def is_unknown_token(error: cloudflare.APIStatusError) -> bool:
    """Tell whether the token itself is refused, whatever it is used for."""
    return bool(codes(error) & {1000, 6003, 6111, 9109})


def _hosted(answer: Any) -> HostedWorkflow:
    return HostedWorkflow(
        name=str(answer.name), worker=str(answer.script_name), class_name=str(answer.class_name)
    )
