"""The page of live Workers: record, drift, secrets, rollbacks and takedowns."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from deployments import drift
from deployments.models import DriftCheck, DriftState
from deployments.pipeline.stages import Action
from targets.policy import Refused
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.deployments.views.live import address, drifted, live
from tests.support.page_text import text

pytestmark = pytest.mark.usefixtures("no_workers")

HTMX = {"HX-Request": "true"}


def test_a_live_worker_is_shown_with_its_addresses_and_schedule(admin_client: Client) -> None:
    workflow, made = live()

    answer = admin_client.get(address(workflow))

    page, content = text(answer), answer.content.decode()
    assert f"v1 by deploy #{made.pk}" in page
    assert "v-1" in page
    assert 'href="http://w.localhost:1"' in content
    assert 'href="https://api.example.com/orders/"' in content
    assert 'href="https://shop.example.com"' in content
    assert "*.example.com/*" in page
    assert "0 8 * * * at 08:00, every day (UTC)" in page
    assert "Consumes queues jobs" in page


def test_a_workflow_that_was_never_deployed_says_what_to_do(admin_client: Client) -> None:
    workflow = make_workflow()

    page = text(admin_client.get(address(workflow)))

    assert "This workflow has never been deployed" in page
    assert "Plan a deploy" in page


def test_each_target_has_a_tab_and_the_first_live_one_is_shown(
    admin_client: Client,
) -> None:
    workflow, made = live(target=make_target(name="zone-b"))
    other = make_target(name="zone-a", account_id="b" * 32)
    make_deployment(workflow=workflow, target=other, status="failed")

    first = text(admin_client.get(address(workflow)))
    second = text(admin_client.get(address(workflow, target=other)))

    assert "zone-a (nothing live)" in first
    assert f"On zone-b Live v1 by deploy #{made.pk}" in first
    assert "No deployment to this target has succeeded yet" in second


def test_after_a_takedown_nothing_is_live_and_the_page_says_how_to_deploy(
    admin_client: Client,
) -> None:
    workflow, made = live()
    live(workflow, action=Action.TAKEDOWN.value, requested_by_name="ada")

    answer = admin_client.get(address(workflow))

    assert "Nothing is live here. It was taken down just now by ada" in text(answer)
    assert f"/workflows/{workflow.pk}/deploy/?target={made.target_id}" in answer.content.decode()
    assert "Take down…" not in text(answer)


def test_a_check_older_than_the_live_deployment_does_not_count(admin_client: Client) -> None:
    workflow, _ = live()
    drifted(workflow)
    assert "Drifted checked just now" in text(admin_client.get(address(workflow)))

    live(workflow, version_id="v-3")

    page = text(admin_client.get(address(workflow)))
    assert "Not checked" in page
    assert "Adopt" not in page


def test_drift_can_be_adopted_or_overwritten(admin_client: Client) -> None:
    workflow, made = live()
    drifted(workflow)

    content = admin_client.get(address(workflow)).content.decode()
    confirmation = admin_client.get(address(workflow, "adopt/", made.target))
    seen = {"target": made.target_id, "seen": confirmation.context["seen"]}
    answer = admin_client.post(address(workflow, "adopt/"), seen)

    assert f"/deploy/?target={made.target_id}&amp;overwrite=1" in content
    assert "the changes are accepted until the next deploy" in text(confirmation)
    assert answer["Location"] == address(workflow, target=made.target)
    assert DriftCheck.objects.get().state == DriftState.SAME
    assert Entry.objects.filter(action="drift adopted").exists()


def test_only_drift_that_was_shown_is_adopted(admin_client: Client) -> None:
    workflow, made = live()
    drift_check = drifted(workflow)
    seen = {"target": made.target_id, "seen": str(drift_check.checked_at)}
    DriftCheck.objects.update(differences=["Another one."], checked_at=timezone.now())

    answer = admin_client.post(address(workflow, "adopt/"), seen)

    assert "checked again in the meantime" in text(answer)
    assert "Another one." in text(answer)
    assert DriftCheck.objects.get().state == DriftState.DRIFTED


def test_drift_found_before_the_last_deployment_is_not_adopted(admin_client: Client) -> None:
    workflow, made = live()
    drift_check = drifted(workflow)
    make_deployment(workflow=workflow, status="failed", started_at=timezone.now())

    answer = admin_client.get(address(workflow, "adopt/", made.target), follow=True)

    assert "A deployment has started since this check" in text(answer)
    with pytest.raises(Refused, match="Check again first"):
        drift.adopt(drift_check)
    assert not DriftCheck.objects.exclude(adopted_after=None).exists()


def test_nothing_is_checked_while_a_deployment_is_running(admin_client: Client) -> None:
    workflow, made = live()
    running = make_deployment(workflow=workflow, status="running", stage="DEPLOYING")

    answer = admin_client.post(address(workflow, "check/"), {"target": made.target_id}, follow=True)

    assert f"#{running.pk} is changing the Worker" in text(answer)
    assert not DriftCheck.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_drift_there_is_nothing_to_adopt(admin_client: Client, method: str) -> None:
    workflow, made = live()

    answer = getattr(admin_client, method)(address(workflow, "adopt/", made.target), follow=True)

    assert "There is no drift to adopt" in text(answer)


def test_a_missing_worker_can_be_deployed_again_or_taken_down(admin_client: Client) -> None:
    workflow, _ = live()
    drifted(workflow, DriftState.GONE)

    page = text(admin_client.get(address(workflow)))

    assert "Gone checked just now" in page
    assert "Deploy again" in page
    assert "Adopt" not in page


def test_an_unreachable_target_is_reported_on_the_page(admin_client: Client) -> None:
    workflow, made = live(target=make_target())

    checked = admin_client.post(
        address(workflow, "check/"), {"target": made.target_id}, follow=True
    )
    secrets = admin_client.get(address(workflow, "secrets/", made.target), headers=HTMX)

    assert "The check failed. No response from http://127.0.0.1:9" in text(checked)
    assert secrets.status_code == 200
    assert "No response from http://127.0.0.1:9" in text(secrets)


def test_each_version_that_can_be_rolled_back_to_is_offered_once(admin_client: Client) -> None:
    workflow, first = live(version_id="v-1")
    _, second = live(workflow, version_id="v-2")
    live(workflow, version_id="v-2", action=Action.RETRY.value)
    live(workflow, version_id="", status="failed")
    live(workflow, version_id="v-3")

    offered = admin_client.get(address(workflow)).context["rollbacks"]

    assert [item.version_id for item in offered] == ["v-2", "v-1"]
    assert offered[-1] == first
    assert offered[0].pk > second.pk


def test_a_viewer_is_offered_no_actions(viewer: Client) -> None:
    workflow, _ = live()
    drifted(workflow)

    answer = viewer.get(address(workflow))

    content = answer.content.decode()
    assert answer.status_code == 200
    assert all(word not in content for word in ("adopt/", "takedown/", "/deploy/", 'id="check"'))


def test_unknown_workflows_and_targets_are_not_found(admin_client: Client) -> None:
    workflow, _ = live()
    nowhere = make_target()

    answers = [
        admin_client.get("/workflows/nobody/live/"),
        admin_client.get(address(workflow, target=nowhere)),
        admin_client.get(f"{address(workflow)}?target=x"),
        admin_client.get(f"{address(workflow, 'secrets/')}?target=99999"),
        admin_client.post(address(workflow, "check/"), {"target": "x"}),
        admin_client.post(address(workflow, "takedown/"), {}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
