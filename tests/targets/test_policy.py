"""Protected and frozen targets: who may deploy, when, and with which confirmation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from deployments.pipeline.stages import Status
from deployments.services import control
from deployments.services.deploy import request_deployment
from targets.models import Target
from targets.policy import Consent, Refused
from tests.deployments.factories import make_deployment, make_target, make_workflow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


def deploy(target: Target, **more: Any) -> Deployment:
    workflow = make_workflow()
    consent = Consent(**{"name": workflow.name} | more.pop("consent", {}))
    return request_deployment(workflow, target=target, consent=consent, **more)


@pytest.fixture
def protected() -> Target:
    target = make_target(protected=True)
    target.deployers.add(Group.objects.create(name="releasers"))
    return target


@pytest.fixture
def frozen() -> Target:
    began = timezone.now() - timedelta(hours=1)
    return make_target(frozen_from=began, frozen_reason="the sale continues")


def test_a_protected_target_refuses_users_outside_its_groups(protected: Target) -> None:
    with pytest.raises(Refused, match="not in any group"):
        deploy(protected, by=Actor.of(User.objects.create_user("ada")))

    assert not Deployment.objects.exists()


def test_members_of_a_group_must_type_the_name(protected: Target) -> None:
    ada = User.objects.create_user("ada")
    ada.groups.add(*protected.deployers.all())

    with pytest.raises(Refused, match="type the workflow's name, One step"):
        deploy(protected, by=Actor.of(ada), consent={"name": "one step"})

    assert deploy(protected, by=Actor.of(ada)).requested_by == ada


def test_superusers_and_command_line_operators_may_deploy(protected: Target) -> None:
    created = [
        deploy(protected, by=Actor.of(User.objects.create_superuser("root"))),
        deploy(protected, by=Actor(name="ada (command line)")),
    ]

    assert [each.requested_by_name for each in created] == ["root", "ada (command line)"]
    assert {each.state for each in created} == {Status.QUEUED}


def test_a_frozen_target_refuses_with_its_reason(frozen: Target) -> None:
    with pytest.raises(
        Refused, match=r"is frozen: the sale continues\. Wait until the freeze ends"
    ):
        deploy(frozen)


def test_a_freeze_is_overridden_with_a_reason_that_is_recorded(frozen: Target) -> None:
    created = deploy(frozen, by=Actor(name="ada"), consent={"freeze_reason": "the sale is broken"})

    entry = Entry.objects.get(action="freeze overridden")
    assert (entry.actor_name, entry.reason) == ("ada", "the sale is broken")
    assert created.reason == "the sale is broken"


def test_overriding_a_freeze_needs_the_permission(frozen: Target) -> None:
    ada = User.objects.create_user("ada")
    reason = {"freeze_reason": "because"}
    with pytest.raises(Refused, match="You do not have permission to override a freeze"):
        deploy(frozen, by=Actor.of(ada), consent=reason)
    ada.user_permissions.add(Permission.objects.get(codename="override_freeze"))

    deploy(frozen, by=Actor.of(User.objects.get(pk=ada.pk)), consent=reason)


@pytest.mark.parametrize("rule", ["protected", "frozen"])
def test_a_command_names_the_option_that_confirms(
    rule: str, request: pytest.FixtureRequest
) -> None:
    target: Target = request.getfixturevalue(rule)
    option = {"protected": "--confirm 'One step'", "frozen": "--override-freeze REASON"}[rule]

    with pytest.raises(CommandError, match=option):
        call_command("deploy_workflow", make_workflow().pk, target=target.name)


@pytest.mark.parametrize(("begins", "ends"), [(1, 2), (-2, -1)])
def test_a_target_is_not_frozen_before_and_after_its_freeze(begins: int, ends: int) -> None:
    now = timezone.now()
    target = make_target(
        frozen_from=now + timedelta(hours=begins), frozen_until=now + timedelta(hours=ends)
    )

    assert not target.is_frozen
    deploy(target)


def test_the_database_requires_a_start_and_a_later_end_of_a_freeze() -> None:
    now = timezone.now()
    for fields in ({"frozen_until": now}, {"frozen_from": now, "frozen_until": now}):
        with pytest.raises(IntegrityError), transaction.atomic():
            make_target(name=f"target-{len(fields)}", **fields)


@pytest.mark.parametrize("action", ["roll_back", "take_down", "retry_failed"])
def test_every_change_follows_the_targets_rules(frozen: Target, action: str) -> None:
    done = make_deployment(
        target=frozen,
        status=Status.PARTIAL.value,
        version_id="v1",
        parts=[{"kind": "schedule", "name": "", "done": False, "message": "no"}],
    )
    about = (done.workflow, frozen) if action == "take_down" else (done,)

    with pytest.raises(Refused, match="is frozen"):
        getattr(control, action)(*about, by=Actor(name="ada"))

    assert Deployment.objects.count() == 1
