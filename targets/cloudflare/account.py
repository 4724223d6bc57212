"""A Cloudflare account, or the embedded platform, through the official SDK."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import cloudflare
import httpx
from cloudflare import Cloudflare

from targets.cloudflare import naming
from targets.cloudflare.errors import Cause, DeployError, RateLimited
from targets.cloudflare.retries import NotTheApi, retry_after, shared_client
from targets.cloudflare.workflow_config import from_response
from toolchain.commands import START, command
from workflows.ir.deploy.workflow_settings import WorkflowSettings

logger = logging.getLogger(__name__)

_SECONDS = 30.0
_UNREADABLE: Final = (
    AttributeError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
    cloudflare.APIResponseValidationError,
)
SCRIPTS_READ = "Workers Scripts Read"
SCRIPTS_WRITE = "Workers Scripts Write"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVersion:
    """The version that serves all requests ("" if none does) and the `source` of its deployment.

    Cloudflare's sources are "wrangler", "api" and "dash". In a gradual rollout `split` holds the
    percentage of requests by version.
    """

    version: str
    source: str
    split: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedWorkflow:
    """A Workflow on the target, with its Worker and class.

    `jurisdiction` is where its instances run; "" is anywhere.
    """

    name: str
    worker: str
    class_name: str
    jurisdiction: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """One account: address, id and token. `local_port` is set only for the embedded platform."""

    account_id: str
    api_base_url: str
    api_token: str = field(repr=False)
    local_port: int | None = None

    @cached_property
    def client(self) -> Cloudflare:
        """The SDK's client. Its own retries are off; `retries.using` sets the retry policy."""
        return Cloudflare(
            api_token=self.api_token,
            base_url=self.api_base_url,
            timeout=_SECONDS,
            max_retries=0,
            http_client=shared_client(),
        )

    def subdomain(self) -> str:
        """Return the account's workers.dev subdomain; "" if it has none."""
        with self.explained("read the account's workers.dev subdomain", needs=SCRIPTS_READ):
            try:
                answer = self.client.workers.subdomains.get(account_id=self.account_id)
            except cloudflare.NotFoundError:
                return ""
            return answer.subdomain if answer else ""

    def worker_url(self, worker: str, subdomain: str) -> str:
        """Return the URL of the Worker."""
        if self.local_port:
            return naming.local_worker_url(worker, self.local_port)
        return naming.worker_url(worker, subdomain)

    def live(self, worker: str) -> LiveVersion:
        """Return the version that serves the Worker's requests now."""
        latest = self._latest_deployment(worker)
        split = {str(row["version_id"]): row["percentage"] for row in latest.get("versions", [])}
        version = next((id_ for id_, percentage in split.items() if percentage == 100), "")
        source = str(latest.get("source", ""))
        return LiveVersion(version=version, source=source, split={} if version else split)

    def _latest_deployment(self, worker: str) -> dict[str, Any]:
        """Return the Worker's latest deployment on the target, in Cloudflare's format."""
        with self.explained("read the Worker's deployments", needs=SCRIPTS_READ):
            try:
                page: Any = self.client.workers.scripts.deployments.list(
                    worker, account_id=self.account_id
                )
            except cloudflare.NotFoundError as missing:
                if is_unknown_account(missing):
                    raise
                return {}
            # Cloudflare returns {"deployments": [...]}, newest first; the SDK's page expects "items".
            result = page.result.to_dict() if page.result else {}
            latest: dict[str, Any] = next(iter(result.get("deployments") or []), {})
            return latest

    def secret_names(self, worker: str) -> frozenset[str]:
        """Return the names of the Worker's secrets."""
        with self.explained("list the Worker's secrets", needs=SCRIPTS_READ):
            try:
                secrets = self.client.workers.scripts.secrets.list(
                    worker, account_id=self.account_id
                )
                return frozenset(str(secret.name) for secret in secrets)
            except cloudflare.NotFoundError:
                return frozenset()

    def workflow(self, name: str) -> HostedWorkflow | None:
        """Return the Workflow with this name, or None."""
        with self.explained("look up the Workflow", needs=SCRIPTS_READ):
            try:
                answer: Any = self.client.workflows.get(name, account_id=self.account_id)
            except cloudflare.NotFoundError:
                return None
            return _parse_workflow(answer) if answer else None

    def workflow_settings(self, name: str) -> WorkflowSettings:
        """Return the settings of the Workflow, which exists."""
        with self.explained("read the settings of the Workflow", needs=SCRIPTS_READ):
            workflow = self.client.workflows.get(name, account_id=self.account_id)
            versions = self.client.workflows.versions.list(
                name, account_id=self.account_id, per_page=1
            )
            newest = next(iter(versions.result or []), None)
            return from_response(
                workflow.to_dict(mode="json") if workflow else {},
                newest.to_dict() if newest else {},
            )

    def run_counts(self, workflow: str) -> dict[str, int]:
        """Return the number of runs by state; empty if there is no such Workflow."""
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
            workflows = self.client.workflows.list(account_id=self.account_id)
            return list(map(_parse_workflow, workflows))

    def workflow_of(self, worker: str, class_name: str) -> HostedWorkflow | None:
        """Return the Workflow that runs this class of the Worker, or None."""
        of_worker = (each for each in self.workflows() if each.worker == worker)
        return next((each for each in of_worker if each.class_name == class_name), None)

    def has_worker(self, worker: str) -> bool:
        """Return whether a Worker with this name has been deployed, in any version."""
        return bool(self._latest_deployment(worker))

    @contextmanager
    def explained(
        self, doing: str, *, needs: str = "", cause: Cause = Cause.TARGET
    ) -> Iterator[None]:
        """Turn the SDK's errors into a DeployError that says what failed and why.

        `doing` completes "could not ..."; `needs` is the permission that the token must have.
        """
        try:
            yield
        except (cloudflare.AuthenticationError, cloudflare.PermissionDeniedError) as refused:
            raise self._refused(doing, refused, needs) from None
        except cloudflare.RateLimitError as busy:
            raise rate_limited(retry_after(busy.response.headers), doing) from None
        except cloudflare.APIStatusError as error:
            raise self._failed(doing, error, cause) from None
        except _UNREADABLE:
            logger.warning("could not read a response from %s", self.api_base_url, exc_info=True)
            raise not_the_api(self.api_base_url, doing) from None
        except cloudflare.APIConnectionError as lost:
            raise self._lost(doing, lost.__cause__) from None

    def _failed(self, doing: str, error: cloudflare.APIStatusError, cause: Cause) -> DeployError:
        if is_unknown_account(error):
            return self._unknown_account(error)
        if is_unknown_token(error):
            return self._refused(doing, error, "")
        return DeployError(f"The target could not {doing}: {reason(error)}.", cause=cause)

    def _lost(self, doing: str, reason: BaseException | None) -> DeployError:
        if isinstance(reason, DeployError):  # raised by the sleep of a retry policy
            return reason
        if isinstance(reason, NotTheApi | httpx.DecodingError):
            return not_the_api(self.api_base_url, doing)
        return DeployError(
            f"No response from {self.api_base_url}, so AwaitStep could not {doing}. "
            f"{self._unreachable_fix()}",
            cause=Cause.UNREACHABLE,
        )

    def _refused(self, doing: str, refused: cloudflare.APIStatusError, needs: str) -> DeployError:
        """The token has been verified, so a refused call means that it lacks a permission."""
        if not needs or is_unknown_token(refused):
            return DeployError(
                f"Could not {doing}: the target rejected the credentials ({reason(refused)}). "
                "Check the target's account id and API token: the token may be wrong or expired.",
                cause=Cause.CREDENTIALS,
            )
        return DeployError(
            f"The API token is not allowed to {doing} ({reason(refused)}). It lacks the permission "
            f'"{needs}", or is not for the account {self.account_id}. Edit the token in the '
            "Cloudflare dashboard, then try again.",
            cause=Cause.PERMISSION,
        )

    def _unknown_account(self, error: cloudflare.APIStatusError) -> DeployError:
        return DeployError(
            f"The token is not for the account {self.account_id}, or the id is wrong "
            f"({reason(error)}). Correct the target's account id, or set a token for that account.",
            cause=Cause.CREDENTIALS,
        )

    def _unreachable_fix(self) -> str:
        if self.local_port:
            return f"Start the embedded platform: {START}, or {command('local_cloudflare')}."
        return "Check the target's API base URL and this server's network."


def not_the_api(base_url: str, doing: str) -> DeployError:
    """Return the error for a response that is not in the format of Cloudflare's API."""
    return DeployError(
        f"Could not {doing}: {base_url} does not respond like Cloudflare's API. Check the target's API "
        "base URL.",
        cause=Cause.TARGET,
    )


def rate_limited(seconds: float, doing: str) -> RateLimited:
    """Return the error for a target that asks to wait for `seconds`."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return RateLimited(
        f"Could not {doing}: the target's rate limit has been reached. It accepts calls again "
        f"at {until:%H:%M:%S} UTC. Cloudflare allows 1,200 calls per user in 5 minutes, across all "
        "of the user's tools.",
        until=until,
    )


def reason(error: cloudflare.APIStatusError) -> str:
    """Return Cloudflare's own messages and codes, which contain no secret of ours."""
    messages = [f"{item.get('message')} [code {item.get('code')}]" for item in _errors(error)]
    return "; ".join(messages) or f"HTTP status {error.status_code}"


def codes(error: cloudflare.APIStatusError) -> frozenset[int]:
    """Return Cloudflare's error codes."""
    return frozenset(int(item.get("code") or 0) for item in _errors(error))


def _errors(error: cloudflare.APIStatusError) -> list[dict[str, Any]]:
    body = error.body if isinstance(error.body, dict) else {}
    return [item for item in body.get("errors") or [] if isinstance(item, dict)]


def is_unknown_account(error: cloudflare.APIStatusError) -> bool:
    """Return whether the target does not know the account in the URL."""
    return bool(codes(error) & {7000, 7003})


def is_unknown_token(error: cloudflare.APIStatusError) -> bool:
    """Return whether the target rejects the token itself, whatever the call."""
    return bool(codes(error) & {1000, 6003, 6111, 9109})


def _parse_workflow(answer: Any) -> HostedWorkflow:
    return HostedWorkflow(
        name=str(answer.name),
        worker=str(answer.script_name),
        class_name=str(answer.class_name),
        jurisdiction=getattr(answer, "jurisdiction", None) or "",
    )
