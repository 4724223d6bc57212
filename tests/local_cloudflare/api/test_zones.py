"""Zones and their DNS records, through the official SDK."""

from __future__ import annotations

from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.control import Control, Token
from tests.local_cloudflare.support.zones import create_record, create_zone
from tests.support.platform_fixture import Platform, error_codes


def test_a_zone_is_created_listed_and_deleted(platform: Platform) -> None:
    zones = platform.client().zones
    created = create_zone(platform, "created.example")

    named = [zone.id for zone in zones.list(name="created.example")]
    own = [zone.id for zone in zones.list(account={"id": platform.account_id})]
    others = list(zones.list(account={"id": "0" * 32}))
    read = zones.get(zone_id=created)
    zones.delete(zone_id=created)

    assert (named, others) == ([created], [])
    assert created in own
    assert read is not None
    assert (read.name, read.status) == ("created.example", "active")
    assert list(zones.list(name="created.example")) == []


@pytest.mark.parametrize("name", ["", "localhost", "a.localhost", "10.0.0.1", "no dots"])
def test_a_zone_requires_a_valid_domain(platform: Platform, name: str) -> None:
    with pytest.raises(cloudflare.BadRequestError):
        create_zone(platform, name)


def test_a_zone_cannot_be_created_twice(platform: Platform) -> None:
    create_zone(platform, "once.example")

    with pytest.raises(cloudflare.BadRequestError) as refused:
        create_zone(platform, "once.example")

    assert error_codes(refused.value.response) == [1061]


def test_zones_are_paged(platform: Platform) -> None:
    created = {create_zone(platform, f"page{number}.example") for number in range(6)}

    assert created <= {zone.id for zone in platform.client().zones.list(per_page=5)}


def test_a_token_sees_only_its_zones(platform: Platform, control: Control) -> None:
    visible = create_zone(platform, "visible.example")
    hidden = create_zone(platform, "hidden.example")
    control.tokens(Token(token="narrow", permissions=("Zone Read",), zones=(visible,)))
    zones = platform.client("narrow").zones

    assert [zone.id for zone in zones.list()] == [visible]
    with pytest.raises(cloudflare.PermissionDeniedError):
        zones.get(zone_id=hidden)


def test_records_are_filtered_by_type_and_name(platform: Platform) -> None:
    zone = create_zone(platform, "dns.example")
    records = platform.client().dns.records
    address = create_record(platform, zone, name="www", proxied=True)
    create_record(platform, zone, name="@", type="TXT", content="text")

    named = list(records.list(zone_id=zone, name={"exact": "www.dns.example"}))
    texts = [record.name for record in records.list(zone_id=zone, type="TXT")]

    assert [(record.id, record.proxied) for record in named] == [(address.id, True)]
    assert (address.name, texts) == ("www.dns.example", ["dns.example"])


def test_a_record_is_changed_and_deleted(platform: Platform) -> None:
    zone = create_zone(platform, "changes.example")
    records: Any = platform.client().dns.records
    created = create_record(platform, zone, name="a")
    fields = {"zone_id": zone, "name": "a", "ttl": 1}

    edited = records.edit(created.id, type="A", proxied=True, **fields)
    replaced = records.update(created.id, type="A", content="192.0.2.2", **fields)
    records.delete(created.id, zone_id=zone)

    assert (edited.content, edited.proxied) == ("192.0.2.1", True)
    assert (replaced.content, replaced.proxied) == ("192.0.2.2", False)
    assert list(records.list(zone_id=zone)) == []


@pytest.mark.parametrize(
    ("kind", "content", "code"), [("A", "192.0.2.1", 81058), ("CNAME", "x.example", 81053)]
)
def test_conflicting_records_are_refused(
    platform: Platform, kind: str, content: str, code: int
) -> None:
    zone = create_zone(platform, f"clash-{code}.example")
    create_record(platform, zone, name="a")

    with pytest.raises(cloudflare.BadRequestError) as refused:
        create_record(platform, zone, name="a", type=kind, content=content)

    assert error_codes(refused.value.response) == [code]
