"""Access to pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import Entry
from deployments.models import Deployment
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target
from tests.deployments.views.live import live
from tests.support.audit_entries import entries
from tests.support.page_text import text
from tests.support.sessions import LogIn
from web.decorators import MAX_DENIED_ADDRESSES
from workflows.models import EnvironmentVariable
from workflows.services import set_variable

PAGES = ["", "output/", "code/", "wrangler-json/", "variables/", "snapshot/"]


def addresses() -> list[str]:
    deployment = make_deployment()
    return ["/", *(f"/deployments/{deployment.pk}/{page}" for page in PAGES)]


def test_an_anonymous_visitor_is_sent_to_the_login_page_and_back(client: Client, db: None) -> None:
    for address in addresses():
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")


def test_a_user_who_is_not_staff_is_sent_to_the_login_page(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("visitor"))

    assert client.get("/")["Location"] == "/admin/login/?next=/"


def test_no_page_is_stored_by_browsers(admin_client: Client) -> None:
    deployment = make_deployment()
    output = deployment.outputs.create(program="npm", exit_code=0, seconds=1, text="printed")
    download = f"/deployments/{deployment.pk}/output/{output.pk}/"

    for address in [*addresses(), download]:
        answer = admin_client.get(address)
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"], address


def test_staff_without_the_permission_see_which_one_is_missing(log_in: LogIn) -> None:
    client = log_in()

    answers = [client.get(address) for address in addresses()]

    assert {answer.status_code for answer in answers} == {403}
    assert "does not have the permission Can view deployment" in text(answers[0])


def test_a_denied_access_is_in_the_audit_trail(log_in: LogIn) -> None:
    deployment = make_deployment()

    log_in("deployments.add_deployment").get(f"/deployments/{deployment.pk}/code/")

    entry = entries().get()
    assert (entry.action, entry.actor_name) == ("access denied", "somebody")
    assert (entry.subject_kind, entry.subject_name) == (
        "page",
        f"/deployments/{deployment.pk}/code/",
    )
    assert (entry.reason, entry.detail) == ("deployments.view_deployment", {"method": "GET"})


def test_a_denied_access_is_logged_without_a_traceback(
    log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", logger="django.request"):
        log_in().get("/")

    (line,) = caplog.records
    assert (line.getMessage(), line.exc_info) == ("Forbidden (Permission denied): /", None)


def test_a_request_for_another_host_is_logged_without_a_traceback(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/", headers={"host": "elsewhere.test"}).status_code == 400

    assert [line.exc_info for line in caplog.records] == [None]


def test_setting_a_variable_without_permission_changes_nothing_and_is_in_the_audit_trail(
    log_in: LogIn,
) -> None:
    variable = set_variable("TOKEN", "as-it-was", is_secret=True)
    client = log_in("workflows.view_environmentvariable", "workflows.view_workflow")
    posted = {"name": "TOKEN", "new_value": "another", "is_secret": "on"}
    ends = (f"{variable.pk}/change/", "add/")
    addresses = [f"/admin/workflows/environmentvariable/{end}" for end in ends]

    answers = [client.post(address, posted) for address in addresses]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert "You do not have permission to do this" in text(answers[0])
    assert EnvironmentVariable.objects.get().value == "as-it-was"
    entries = Entry.objects.filter(action="access denied", actor_name="somebody")
    assert [entry.subject_name for entry in entries.order_by("pk")] == addresses
    assert {entry.detail["method"] for entry in entries} == {"POST"}


REQUESTS_FOR_SECRETS = [
    ("get", "/admin/workflows/environmentvariable/"),
    ("get", "/admin/workflows/environmentvariable/{variable}/change/"),
    ("get", "/workflows/{workflow}/deploy/plan/"),
    ("post", "/workflows/{workflow}/deploy/"),
    ("post", "/deployments/{deployment}/rollback/"),
    ("get", "/deployments/{deployment}/variables/"),
]


@pytest.mark.parametrize(("method", "address"), REQUESTS_FOR_SECRETS)
def test_requests_that_could_show_a_secret_need_the_permission(
    log_in: LogIn, method: str, address: str
) -> None:
    deployment = make_deployment()
    variable = set_variable("TOKEN", "sentinel", workflow=deployment.workflow, is_secret=True)
    ids = {"workflow": deployment.workflow_id, "variable": variable.pk, "deployment": deployment.pk}
    url = address.format(**ids)

    answer = getattr(log_in("workflows.view_workflow"), method)(url)

    assert (answer.status_code, b"sentinel" in answer.content) == (403, False)
    entry = entries().get()
    assert (entry.action, entry.subject_name) == ("access denied", url)
    assert Deployment.objects.get() == deployment


def test_access_denied_by_the_target_admin_is_in_the_audit_trail(viewer: Client) -> None:
    target = make_target()

    answer = viewer.post(f"/admin/targets/target/{target.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert Target.objects.filter(pk=target.pk).exists()
    entry = entries().get()
    assert (entry.action, entry.detail) == ("access denied", {"method": "POST"})


def test_access_denied_by_the_api_is_in_the_audit_trail(viewer: Client) -> None:
    answer = viewer.post("/api/events/order.created", {}, content_type="application/json")

    assert answer.status_code == 403
    entry = entries().get()
    assert (entry.action, entry.reason) == ("access denied", "runs.trigger_run")
    assert entry.subject_name == "/api/events/order.created"


def test_requests_with_any_number_of_addresses_do_not_fill_the_audit_trail(viewer: Client) -> None:
    addresses = [f"/workflows/no{number}/deploy/" for number in range(MAX_DENIED_ADDRESSES + 9)]

    for address in addresses:
        assert viewer.get(address).status_code == 403
    for method in ("INVENTED", "ANOTHER"):
        assert viewer.generic(method, "/admin/auth/user/").status_code == 403

    found = {entry.subject_name: entry for entry in entries()}
    pattern, users = "/workflows/<str:pk>/deploy/", "/admin/auth/user/"
    assert found.keys() == {*addresses[:MAX_DENIED_ADDRESSES], pattern, users}
    assert (found[pattern].count, found[users].count) == (9, 2)


def test_an_anonymous_request_leaves_no_entry(client: Client, db: None) -> None:
    client.get("/")
    client.post("/api/events/order.created", {}, content_type="application/json")

    assert not entries().exists()


def test_a_viewer_sees_every_page_and_no_deploy_button(viewer: Client) -> None:
    for address in addresses():
        answer = viewer.get(address)
        assert answer.status_code == 200
        assert 'id="deploy-again"' not in answer.content.decode()
        assert 'formaction="/workflows/' not in answer.content.decode()


def test_a_viewer_may_not_deploy(viewer: Client) -> None:
    deployment = make_deployment()

    answer = viewer.post(f"/workflows/{deployment.workflow_id}/deploy/")

    assert answer.status_code == 403
    assert deployment.workflow
    assert deployment.workflow.deployments.count() == 1


def test_an_open_page_goes_to_the_login_page_after_a_logout(client: Client, db: None) -> None:
    answer = client.get("/", headers={"HX-Request": "true"})

    assert answer["HX-Redirect"] == "/admin/login/?next=/"


@pytest.mark.parametrize("address", ["/deployments/999/", "/deployments/999/output/1/"])
def test_an_unknown_deployment_is_not_found(admin_client: Client, address: str) -> None:
    answer = admin_client.get(address)

    assert answer.status_code == 404
    assert "Page not found" in text(answer)


def test_event_streams_without_asgi_name_the_command_to_run(admin_client: Client) -> None:
    answer = admin_client.get("/events/")

    assert answer.status_code == 501
    assert "make run" in answer.content.decode()


@pytest.mark.parametrize(
    ("permission", "page"),
    [
        ("runs.view_run", "/runs/"),
        ("workflows.view_environmentvariable", "/admin/workflows/environmentvariable/"),
    ],
)
def test_the_dashboard_redirects_staff_who_cannot_see_it_to_a_page_that_they_can_see(
    log_in: LogIn, permission: str, page: str
) -> None:
    client = log_in(permission)

    assert client.get("/", follow=True).redirect_chain == [(page, 302)]
    assert not entries().exists()


@pytest.mark.parametrize("permissions", [["runs.view_run"], ["runs.view_run", "runs.trigger_run"]])
def test_only_users_who_can_start_runs_get_a_link_to_start_one_from_the_live_logs(
    log_in: LogIn, permissions: list[str]
) -> None:
    workflow, _ = live()

    page = log_in(*permissions).get(f"/runs/logs/{workflow.pk}/")

    assert (b"start a run" in page.content) == ("runs.trigger_run" in permissions)
