"""What a user must confirm before changing a target, for the pages that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import QueryDict

from audit.trail import Actor
from targets import policy
from targets.models import Target
from targets.permissions import OVERRIDE_FREEZE, OVERRIDE_TESTS
from targets.policy import Consent

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

CONFIRMED_FIELD = "asked"
"""The hidden field of a form that has asked for confirmation; a plain button lacks it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What a target's rules require of one user, and whether the user may proceed."""

    target: Target
    is_member: bool
    may_override: bool
    may_override_tests: bool
    groups: tuple[str, ...] = ()

    @property
    def needs_nothing(self) -> bool:
        """Whether a click is enough: the user has nothing to type."""
        return not self.target.protected and not self.target.is_frozen

    @property
    def is_allowed(self) -> bool:
        """Whether the user may change the target now, once everything is confirmed."""
        return self.is_member and (self.may_override or not self.target.is_frozen)


def confirmation_for(target: Target, user: User | AnonymousUser) -> Confirmation:
    """Return what the user must confirm; `groups` is empty if the target is not protected."""
    member = policy.may_deploy_to(target, Actor.of(user))
    groups = target.deployers.values_list("name", flat=True) if target.protected else ()
    return Confirmation(
        target=target,
        is_member=member,
        may_override=user.has_perm(OVERRIDE_FREEZE),
        may_override_tests=user.has_perm(OVERRIDE_TESTS),
        groups=tuple(groups),
    )


def consent_of(form: QueryDict) -> Consent:
    """Return what the user has typed and ticked."""
    return Consent(
        name=form.get("name", ""),
        freeze_reason=form.get("freeze_reason", ""),
        tests_reason=form.get("tests_reason", ""),
        overwrite="overwrite" in form,
    )
