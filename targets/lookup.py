"""Look up targets and their accounts."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from audit.encrypted_fields import UnreadableSecret
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.models import Target
from toolchain.embedded_platform import ACCOUNT_ID, platform_token

EMBEDDED_NAME = "local"


class NoTarget(DeployError):
    """There is no target to deploy to."""


def default_target() -> Target:
    """Return the default target, creating the embedded platform's if needed.

    Raises NoTarget if there is none and the embedded platform is off.
    """
    target = Target.objects.filter(is_default=True).first()
    if target:
        return target
    if not settings.AWAITSTEP.offers_local_cloudflare:
        raise NoTarget(
            "There is no default target. Add your Cloudflare account as a target and mark it as "
            "the default (the embedded platform is off in production)."
        )
    return embedded_target()


def embedded_target() -> Target:
    """Return the embedded platform's row, creating it if needed."""
    is_first = not Target.objects.filter(is_default=True).exists()
    values = {"name": EMBEDDED_NAME, "account_id": ACCOUNT_ID, "is_default": is_first}
    return Target.objects.get_or_create(embedded=True, defaults=values)[0]


def target_named(name: str) -> Target:
    """Return the target with this name; raises NoTarget, listing the existing ones."""
    if name == EMBEDDED_NAME and settings.AWAITSTEP.offers_local_cloudflare:
        return embedded_target()
    target = Target.objects.filter(name=name).first()
    if target is None:
        names = ", ".join(Target.objects.values_list("name", flat=True)) or "none yet"
        raise NoTarget(f"There is no target {name!r}. The targets are: {names}.")
    return target


def target_or_404(pk: int) -> Target:
    """Return the target for a page, without its token, which may be impossible to decrypt."""
    return get_object_or_404(Target.objects.defer("api_token"), pk=pk)


def account_of(target: Target) -> Account:
    """Return the target's account. Accounts are cached with their clients, which take 30 ms to create.

    Raises NoTarget if the embedded platform is off, DeployError if the token cannot be decrypted.
    """
    if not target.embedded:
        base_url = target.api_base_url.rstrip("/")
        return _account(target.account_id, base_url, _token(target), None)
    if not settings.AWAITSTEP.offers_local_cloudflare:
        raise NoTarget(
            "The embedded platform is off, because it runs workflow code on this host. To turn it on, "
            "set AWAITSTEP_LOCAL_CLOUDFLARE=true."
        )
    port = settings.AWAITSTEP.local_cloudflare_port
    token = platform_token(settings.AWAITSTEP.data_dir)
    return _account(target.account_id, f"http://127.0.0.1:{port}/client/v4", token, port)


def account_for_test_runs() -> Account:
    """Return the embedded platform's account for test runs; raises NoTarget if the platform is off."""
    if not settings.AWAITSTEP.offers_local_cloudflare:
        raise NoTarget(
            "Test runs need the embedded platform, which is off, because it runs workflow code on this "
            "host. To turn it on, set AWAITSTEP_LOCAL_CLOUDFLARE=true."
        )
    port = settings.AWAITSTEP.local_cloudflare_port
    token = platform_token(settings.AWAITSTEP.data_dir)
    return _account(ACCOUNT_ID, f"http://127.0.0.1:{port}/test-runs/client/v4", token, port)


def _token(target: Target) -> str:
    try:
        return target.api_token
    except UnreadableSecret as unreadable:
        raise DeployError(str(unreadable), cause=Cause.CREDENTIALS) from None


@lru_cache(maxsize=64)
def _account(account_id: str, base_url: str, token: str, local_port: int | None) -> Account:
    return Account(
        account_id=account_id, api_base_url=base_url, api_token=token, local_port=local_port
    )


def available_targets() -> QuerySet[Target]:
    """Return the targets to choose from, without their tokens; the embedded platform may be turned off."""
    targets = Target.objects.defer("api_token")
    is_on = settings.AWAITSTEP.offers_local_cloudflare
    return targets if is_on else targets.filter(embedded=False)
