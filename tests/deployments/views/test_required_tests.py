"""The deploy dialog and the Deploy buttons with a target that requires tests."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from deployments.models import Deployment
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow
from tests.support.fake_tests import WRONG_OUTPUT, FakeTests
from tests.support.page_text import markup, text
from tests.support.sessions import LogIn
from workflows.models import Workflow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
DEPLOYER = ("deployments.add_deployment", "deployments.view_deployment")
HTMX = {"HX-Request": "true"}
FIELD = 'name="tests_reason" id="tests_reason"'


@pytest.fixture
def target() -> Target:
    return make_target(name="production", requires_tests=True, is_default=True)


def address(workflow: Workflow, part: str = "", query: str = "") -> str:
    return f"/workflows/{workflow.pk}/deploy/{part}{query}"


def links_to_results(workflow: Workflow, *names: str) -> str:
    """Return the links to the results with the numbers from 1, as markup."""
    links = [
        f'<a href="{reverse("saved_tests:result", args=[workflow.pk, number])}"><bdi>{name}</bdi></a>'
        for number, name in enumerate(names, start=1)
    ]
    return f"See the result of{','.join(links)}</p>"


def test_the_target_is_marked_in_the_dialog(admin_client: Client, target: Target) -> None:
    page = admin_client.get(address(make_workflow()))

    assert f"{target} Cloudflare account (default) requires tests" in text(page)
    assert FIELD not in markup(page)
    assert "Deploy v1 to production" in text(page)


@pytest.mark.usefixtures("target")
def test_the_checks_list_the_tests_that_fail_and_bring_the_input(
    admin_client: Client, fake_tests: FakeTests, admin_user: User
) -> None:
    fake_tests.fail("approved", "declined")
    workflow = make_workflow()

    checks = admin_client.get(address(workflow, "preflight/"), headers=HTMX)

    assert links_to_results(workflow, "approved", "declined") in markup(checks)
    assert f'Failed Tests "approved" fails: {WRONG_OUTPUT} "declined" fails:' in text(checks)
    assert '<div id="failed-tests" hx-swap-oob="true">' in markup(checks)
    assert FIELD in markup(checks)
    assert fake_tests.actors[0].user == admin_user


@pytest.mark.usefixtures("target", "fake_tests")
def test_the_checks_warn_about_a_version_without_tests(admin_client: Client) -> None:
    checks = admin_client.get(address(make_workflow(), "preflight/"), headers=HTMX)

    assert "Warning Tests This version has no tests." in text(checks)
    assert '<div id="failed-tests" hx-swap-oob="true"></div>' in markup(checks)


def test_other_targets_have_no_check_of_tests(admin_client: Client, fake_tests: FakeTests) -> None:
    make_target(is_default=True)

    checks = admin_client.get(address(make_workflow(), "preflight/"), headers=HTMX)

    assert "Tests" not in text(checks)
    assert "failed-tests" not in markup(checks)
    assert fake_tests.versions == []


@pytest.mark.usefixtures("target")
def test_without_scripts_the_page_has_the_check_and_the_input(
    admin_client: Client, fake_tests: FakeTests
) -> None:
    fake_tests.fail("approved")

    page = admin_client.get(address(make_workflow(), query="?show=1"))

    assert f'Failed Tests "approved" fails: {WRONG_OUTPUT}' in text(page)
    assert markup(page).count(FIELD) == 1
    assert "Deploy v1 to production" in text(page)


@pytest.mark.usefixtures("target")
def test_a_button_elsewhere_leads_to_the_dialog_with_the_refusal(
    admin_client: Client, fake_tests: FakeTests
) -> None:
    fake_tests.fail("approved", "declined")
    workflow = make_workflow()
    workflow.ir["nodes"][0]["data"]["code"] = "return 2;"
    workflow.save()

    deployed = admin_client.post(address(workflow), {"version": "1"})
    saved = admin_client.post(address(workflow), {"save_as": "2"})

    for answer in (deployed, saved):
        assert (
            'Nothing was deployed The target production requires tests, and "approved" fails: '
            f"{WRONG_OUTPUT} (1 more fails.) Fix it, or override with a reason."
        ) in text(answer)
        assert links_to_results(workflow, "approved", "declined") in markup(answer)
        assert FIELD in markup(answer)
    assert "Saved as v2." in text(saved)
    assert fake_tests.versions == [1, 2]
    assert not Deployment.objects.exists()


def test_a_reason_overrides_the_tests(
    admin_client: Client, fake_tests: FakeTests, target: Target
) -> None:
    fake_tests.fail("approved")
    form = {"target": str(target.pk), "asked": "1", "version": "1"}

    refused = admin_client.post(address(make_workflow()), {**form, "tests_reason": " "})
    admin_client.post(address(make_workflow()), {**form, "tests_reason": "it burns"})

    assert "Nothing was deployed" in text(refused)
    assert Deployment.objects.get().reason == "Required tests overridden: it burns"
    assert Entry.objects.get(action="tests overridden").reason == "it burns"


def test_the_reason_is_kept_after_another_refusal(
    admin_client: Client, fake_tests: FakeTests
) -> None:
    fake_tests.fail("approved")
    target = make_target(requires_tests=True, protected=True)
    form = {"target": str(target.pk), "asked": "1", "show": "1", "tests_reason": "it burns"}

    page = admin_client.post(address(make_workflow()), {**form, "name": "Two"})

    assert "is protected" in text(page)
    assert f'{FIELD} value="it burns"' in markup(page)


@pytest.mark.usefixtures("target")
def test_a_user_who_may_not_override_tests_has_no_button(
    log_in: LogIn, fake_tests: FakeTests
) -> None:
    fake_tests.fail("approved")
    client, workflow = log_in(*DEPLOYER), make_workflow()

    checks = client.get(address(workflow, "preflight/"), headers=HTMX)
    shown = client.get(address(workflow, query="?show=1"))
    refused = client.post(address(workflow), {"asked": "1", "tests_reason": "please"})

    assert '<div id="failed-tests" hx-swap-oob="true" class="no-deploy">' in markup(checks)
    for page in (checks, shown, refused):
        assert "You do not have permission to override required tests" in text(page)
        assert FIELD not in markup(page)
        assert "Deploy v1 to" not in text(page)
    assert "ask someone who has permission to override required tests" in text(refused)
    assert "See the result" not in text(refused)
    assert not Deployment.objects.exists()


@pytest.mark.usefixtures("target", "fake_tests")
def test_a_user_who_may_not_override_tests_can_deploy_what_passes(log_in: LogIn) -> None:
    client, workflow = log_in(*DEPLOYER), make_workflow()

    assert "Deploy v1 to production" in text(client.get(address(workflow, query="?show=1")))
    client.post(address(workflow), {"version": "1"})

    assert Deployment.objects.get().version_number == 1
