"""Hand-typed URLs, outdated forms and requests that are too large."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_target
from tests.deployments.views.live import address, live
from tests.support.page_text import text
from tests.support.sessions import LogIn

HUGE = "9" * 23
LIST = "/admin/deployments/deployment/"


@pytest.mark.parametrize(
    "url",
    [
        f"/deployments/{HUGE}/",
        f"/deployments/{HUGE}/cancel/",
        f"/deployments/1/output/{HUGE}/",
        f"/targets/{HUGE}/resources/",
        f"{LIST}{HUGE}/change/",
        f"{LIST}nonsense/change/",
    ],
)
def test_an_impossible_key_is_not_found(admin_client: Client, url: str) -> None:
    assert admin_client.get(url).status_code == 404


@pytest.mark.parametrize("query", ["format=99", "nonsense=1", "status__nonsense=1", "stage=a&x=b"])
def test_an_export_with_an_invalid_filter_redirects_to_the_list_with_a_message(
    admin_client: Client, query: str
) -> None:
    answer = admin_client.get(f"{LIST}export/?{query}", follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    assert "Nothing was exported" in text(answer)


def test_getting_the_address_of_a_button_on_a_live_page_redirects_to_the_page(
    admin_client: Client,
) -> None:
    workflow, deployment = live()
    page = address(workflow)

    assert admin_client.get(address(workflow, "check/", deployment.target))["Location"] == address(
        workflow, target=deployment.target
    )
    for button in ("check/", "adopt/", "secrets/", "secrets/delete/", "takedown/"):
        assert admin_client.get(address(workflow, button))["Location"] == page


def test_getting_the_address_of_any_other_button_redirects_to_its_page(
    admin_client: Client,
) -> None:
    workflow, target = live()[0], make_target()
    use_button = f"/targets/{target.pk}/resources/use/?kind=kv"

    preview = admin_client.get(f"/workflows/{workflow.pk}/settings/preview/")

    assert preview["Location"] == f"/workflows/{workflow.pk}/settings/"
    assert admin_client.get(use_button)["Location"] == f"/targets/{target.pk}/resources/?kind=kv"
    form = f"/admin/targets/target/{target.pk}/change/"
    assert admin_client.get(f"/targets/{target.pk}/check/")["Location"] == form


def test_a_form_posted_after_a_logout_returns_to_its_page_after_the_login(
    client: Client, db: None
) -> None:
    page = f"{make_deployment().get_absolute_url()}rollback/?a=1"
    headers = {"Referer": f"http://testserver{page}"}

    answer = client.post("/deployments/1/rollback/", headers=headers, follow=True)

    assert answer.redirect_chain == [(f"/admin/login/?next={page.replace('?a=', '%3Fa%3D')}", 302)]
    assert "so nothing was changed. Log in and submit the form again." in text(answer)


@pytest.mark.parametrize(
    "referrer", ["http://evil.example/x", "//evil.example", "javascript:x", ""]
)
def test_the_login_never_redirects_to_another_host(client: Client, db: None, referrer: str) -> None:
    answer = client.post("/deployments/1/cancel/", headers={"Referer": referrer})

    assert answer["Location"] == "/admin/login/?next=/"


def test_a_form_with_an_outdated_token_is_refused_with_a_link_to_its_page(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))

    answer = client.post("/deployments/1/cancel/")

    assert answer.status_code == 403
    assert "The form has expired Nothing was changed" in text(answer)
    assert 'href="/deployments/1/cancel/">Reopen the page' in answer.content.decode()


def test_a_form_that_is_too_large_is_refused_with_the_limit(admin_client: Client) -> None:
    deployment = make_deployment()

    answer = admin_client.post(
        f"/workflows/{deployment.workflow_id}/settings/",
        {f"x{number}": "y" for number in range(1_001)},
    )

    assert answer.status_code == 400
    assert "40 MB and 1,000 fields" in text(answer)


def test_a_denied_page_names_the_missing_permission(log_in: LogIn) -> None:
    page = text(log_in().get("/"))

    assert (
        "does not have the permission Can view deployment ( deployments.view_deployment )" in page
    )


def test_an_action_closed_to_everybody_does_not_send_a_superuser_to_an_administrator(
    admin_client: Client,
) -> None:
    local = live()[1].target
    assert local

    answer = admin_client.get(f"/admin/targets/target/{local.pk}/delete/")

    assert answer.status_code == 403
    assert "No one can do this" in text(answer)
    assert "administrator" not in text(answer)


def test_deleting_a_secret_that_the_worker_lacks_is_refused_before_the_confirmation(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "deployments.presentation.live_workers.unused_secrets", lambda _worker: ["OLD"]
    )
    workflow, deployment = live()
    form = {"target": str(deployment.target_id), "secret": ["OLD", "NOPE"]}

    for send in (admin_client.get, admin_client.post):
        answer = send(address(workflow, "secrets/delete/"), form, follow=True)
        assert "The Worker has no secret NOPE. Nothing was deleted" in text(answer)

    assert Deployment.objects.count() == 1


@pytest.mark.parametrize(
    "model", ["deployments/deployment", "audit/entry", "workflows/workflowversion"]
)
@pytest.mark.parametrize("year", [HUGE, "0", "-1"])
def test_a_year_that_does_not_exist_is_a_bad_request(
    admin_client: Client, model: str, year: str
) -> None:
    field = "at" if model == "audit/entry" else "created_at"

    assert admin_client.get(f"/admin/{model}/?{field}__year={year}").status_code in (302, 400)


def test_a_search_text_that_is_too_long_is_a_bad_request(admin_client: Client) -> None:
    status = admin_client.get(f"/admin/audit/entry/?q={'x' * 60_000}").status_code

    assert status == (400 if connection.vendor == "sqlite" else 200)  # PostgreSQL has no such limit


def test_an_error_that_is_not_about_the_query_stays_a_server_error(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("audit.admin.EntryAdmin.get_queryset", fail)

    with pytest.raises(RuntimeError, match="a bug"):
        admin_client.get("/admin/audit/entry/?q=x")
