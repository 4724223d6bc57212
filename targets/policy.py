"""Protected and frozen targets: who may change what is deployed, and when."""

from __future__ import annotations

from dataclasses import dataclass

from audit import trail
from audit.trail import Actor, Subject
from targets.cloudflare.errors import Cause, DeployError
from targets.models import Target
from targets.permissions import OVERRIDE_FREEZE
from workflows.models import Workflow


class Refused(DeployError):
    """The target's rules do not allow the change to this user, now, or without a confirmation."""

    cause = Cause.POLICY


class Unconfirmed(Refused):
    """The target is protected, and the workflow's `name` was not typed."""

    def __init__(self, target: Target, name: str) -> None:
        super().__init__(
            f"The target {target.name} is protected: type the workflow's name, {name}, to confirm."
        )
        self.name = name


class Frozen(Refused):
    """The target is frozen, and no reason to override the freeze was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the user has confirmed together with a request.

    `name` is the workflow's name as typed, `freeze_reason` the reason to override a freeze,
    `tests_reason` the reason to override required tests; `overwrite` says that changes made on the
    target by others may be lost.
    """

    name: str = ""
    freeze_reason: str = ""
    tests_reason: str = ""
    overwrite: bool = False


def check(target: Target, workflow: Workflow, *, by: Actor, consent: Consent) -> None:
    """Raise Refused if the target's rules forbid it; record an overridden freeze in the audit trail."""
    _check_rules(target, workflow, by=by, consent=consent)
    if not target.is_frozen:
        return
    subject = Subject("target", str(target.pk), target.name)
    reason = consent.freeze_reason.strip()
    trail.record("freeze overridden", subject, by=by, reason=reason, workflow=workflow.pk)


def find_refusal(
    target: Target, workflow: Workflow, *, by: Actor, consent: Consent
) -> Refused | None:
    """Return why the target's rules would refuse it, or None. Nothing is recorded."""
    try:
        _check_rules(target, workflow, by=by, consent=consent)
    except Refused as refusal:
        return refusal
    return None


def _check_rules(target: Target, workflow: Workflow, *, by: Actor, consent: Consent) -> None:
    _check_protected(target, workflow, by=by, consent=consent)
    check_frozen(target, is_overridden=bool(consent.freeze_reason.strip()))
    if target.is_frozen and by.user and not by.user.has_perm(OVERRIDE_FREEZE):
        raise Refused(
            f"{_frozen(target)} You do not have permission to override a freeze: ask someone who does."
        )


def check_frozen(target: Target, *, is_overridden: bool) -> None:
    """Raise Frozen if the target is frozen and the freeze is not overridden."""
    if target.is_frozen and not is_overridden:
        fix = "Wait until the freeze ends, or override it with a reason."
        raise Frozen(f"{_frozen(target)} {fix}")


def _frozen(target: Target) -> str:
    reason = target.frozen_reason or "no reason was given"
    until = f" until {target.frozen_until:%Y-%m-%d %H:%M} UTC" if target.frozen_until else ""
    return f"The target {target.name} is frozen{until}: {reason}."


def _check_protected(target: Target, workflow: Workflow, *, by: Actor, consent: Consent) -> None:
    if not target.protected:
        return
    if not may_deploy_to(target, by):
        raise Refused(
            f"The target {target.name} is protected, and you are not in any group that may deploy to "
            "it. Ask a member of one to deploy, or ask an administrator to add you to a group."
        )
    if consent.name.strip() != workflow.name:
        raise Unconfirmed(target, workflow.name)


def may_deploy_to(target: Target, by: Actor) -> bool:
    """Return whether the user's groups allow it; the operator of a command always may."""
    if not target.protected or by.user is None or by.user.is_superuser:
        return True
    return by.user.groups.filter(pk__in=target.deployers.values("pk")).exists()
