"""What a target's rules ask of somebody before a change, for the pages that ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import QueryDict

from audit.trail import Actor
from targets import policy
from targets.models import Target
from targets.permissions import OVERRIDE_FREEZE
from targets.policy import Consent

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

CONFIRMED_FIELD = "asked"
"""The field that tells a form that has asked for a consent from a button that has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A target's rules for one person: what has to be typed, and whether that is enough."""

    target: Target
    is_member: bool
    may_override: bool
    groups: tuple[str, ...] = ()

    @property
    def needs_nothing(self) -> bool:
        """Whether nothing has to be typed: a button alone is enough."""
        return not self.target.protected and not self.target.is_frozen

    @property
    def is_allowed(self) -> bool:
        """Whether this person may change anything at the target now, with all that has to be typed."""
        return self.is_member and (self.may_override or not self.target.is_frozen)


def confirmation_for(target: Target, user: User | AnonymousUser) -> Confirmation:
    member = policy.may_deploy_to(target, Actor.of(user))
    groups = target.deployers.values_list("name", flat=True) if target.protected else ()
    return Confirmation(
        target=target,
        is_member=member,
        may_override=user.has_perm(OVERRIDE_FREEZE),
        groups=tuple(groups),
    )


def consent_of(form: QueryDict) -> Consent:
    """Return what a person has typed and ticked."""
    return Consent(
        name=form.get("name", ""),
        freeze_reason=form.get("freeze_reason", ""),
        overwrite="overwrite" in form,
    )
