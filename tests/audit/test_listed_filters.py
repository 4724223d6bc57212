"""What the lists of the admin can be filtered by."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from audit.listed_filters import ListedFilters
from tests.deployments.factories import make_deployment

HISTORY = "/admin/deployments/deployment/"
OFFERED = (
    "target__id__exact=1",
    "requested_by__id__exact=1",
    "status__exact=failed",
    "workflow__id__exact=some",
    "created_at__year=2026",
    "id=1",
)
HIDDEN = (
    "variables__TOKEN__startswith=p",
    "wrangler_json__contains=plain",
    "worker_url__regex=p",
    "target__api_token__startswith=g",
    "requested_by__password__startswith=p",
    "about__variables__TOKEN=plain",
)


@pytest.mark.parametrize("query", HIDDEN)
def test_a_filter_does_not_tell_what_a_column_holds_that_no_page_shows(
    viewer: Client, query: str
) -> None:
    make_deployment(variables={"TOKEN": "plain until it became a secret"})

    assert viewer.get(f"{HISTORY}?{query}").status_code == 400


@pytest.mark.parametrize("query", OFFERED)
def test_filters_and_dates_that_a_list_offers_work(viewer: Client, query: str) -> None:
    make_deployment()

    assert viewer.get(f"{HISTORY}?{query}").status_code == 200


def test_an_export_has_no_other_filters_than_the_list(viewer: Client) -> None:
    made = make_deployment(variables={"TOKEN": "plain until it became a secret"})
    form = {"format": "0", "export_items": [made.pk]}

    answer = viewer.post(f"{HISTORY}export/?variables__TOKEN__startswith=p", form)

    assert answer.status_code == 302


@pytest.mark.parametrize("shown", admin.site._registry.values(), ids=lambda each: each.opts.label)
def test_every_list_of_the_admin_is_filtered_only_by_what_it_offers(
    admin_client: Client, shown: Any
) -> None:
    address = reverse(f"admin:{shown.opts.app_label}_{shown.opts.model_name}_changelist")
    offered = {name for each in shown.list_filter for name in _names(each)}
    offered |= {shown.opts.pk.name, shown.date_hierarchy}
    columns = [field.name for field in shown.opts.concrete_fields if field.name not in offered]

    statuses = {
        name: admin_client.get(f"{address}?{name}__isnull=0").status_code for name in columns
    }

    assert isinstance(shown, ListedFilters)
    assert statuses == dict.fromkeys(columns, 400)


def _names(each: Any) -> list[str]:
    if isinstance(each, str):
        return [each]
    return [each[0] if isinstance(each, tuple) else each.parameter_name.partition("__")[0]]
