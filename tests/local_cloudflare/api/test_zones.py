"""Zones and their DNS records, through the official SDK."""

from __future__ import annotations

from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.control import Control, Token
from tests.local_cloudflare.support.zones import create_record, create_zone, error_codes
from tests.support.platform_fixture import Platform


def test_a_zone_is_made_found_and_deleted(platform: Platform) -> None:
    zones = platform.client().zones
    made = create_zone(platform, "made.example")

    named = [zone.id for zone in zones.list(name="made.example")]
    mine = [zone.id for zone in zones.list(account={"id": platform.account_id})]
    others = list(zones.list(account={"id": "0" * 32}))
    read = zones.get(zone_id=made)
    zones.delete(zone_id=made)

    assert (named, others) == ([made], [])
    assert made in mine
    assert read is not None
    assert (read.name, read.status) == ("made.example", "active")
    assert list(zones.list(name="made.example")) == []


@pytest.mark.parametrize("name", ["", "localhost", "a.localhost", "10.0.0.1", "no dots"])
def test_what_is_no_domain_is_no_zone(platform: Platform, name: str) -> None:
    with pytest.raises(cloudflare.BadRequestError):
        create_zone(platform, name)


def test_a_zone_is_made_once(platform: Platform) -> None:
    create_zone(platform, "once.example")

    with pytest.raises(cloudflare.BadRequestError) as refused:
        create_zone(platform, "once.example")

    assert error_codes(refused.value.response) == [1061]


def test_pages_of_zones_are_turned(platform: Platform) -> None:
    made = {create_zone(platform, f"page{number}.example") for number in range(6)}

    assert made <= {zone.id for zone in platform.client().zones.list(per_page=5)}


def test_a_token_sees_its_own_zones(platform: Platform, control: Control) -> None:
    mine, other = create_zone(platform, "mine.example"), create_zone(platform, "other.example")
    control.tokens(Token(token="narrow", permissions=("Zone Read",), zones=(mine,)))
    zones = platform.client("narrow").zones

    assert [zone.id for zone in zones.list()] == [mine]
    with pytest.raises(cloudflare.PermissionDeniedError):
        zones.get(zone_id=other)


def test_records_are_found_by_type_and_name(platform: Platform) -> None:
    zone = create_zone(platform, "dns.example")
    records = platform.client().dns.records
    address = create_record(platform, zone, name="www", proxied=True)
    create_record(platform, zone, name="@", type="TXT", content="text")

    named = list(records.list(zone_id=zone, name={"exact": "www.dns.example"}))
    typed = [found.name for found in records.list(zone_id=zone, type="TXT")]

    assert [(found.id, found.proxied) for found in named] == [(address.id, True)]
    assert (address.name, typed) == ("www.dns.example", ["dns.example"])


def test_a_record_changes_and_goes(platform: Platform) -> None:
    zone = create_zone(platform, "changes.example")
    records: Any = platform.client().dns.records
    made = create_record(platform, zone, name="a")
    where = {"zone_id": zone, "name": "a", "ttl": 1}

    edited = records.edit(made.id, type="A", proxied=True, **where)
    put = records.update(made.id, type="A", content="192.0.2.2", **where)
    records.delete(made.id, zone_id=zone)

    assert (edited.content, edited.proxied) == ("192.0.2.1", True)
    assert (put.content, put.proxied) == ("192.0.2.2", False)
    assert list(records.list(zone_id=zone)) == []


@pytest.mark.parametrize(
    ("kind", "content", "code"), [("A", "192.0.2.1", 81058), ("CNAME", "x.example", 81053)]
)
def test_records_that_clash_are_refused(
    platform: Platform, kind: str, content: str, code: int
) -> None:
    zone = create_zone(platform, f"clash-{code}.example")
    create_record(platform, zone, name="a")

    with pytest.raises(cloudflare.BadRequestError) as refused:
        create_record(platform, zone, name="a", type=kind, content=content)

    assert error_codes(refused.value.response) == [code]
