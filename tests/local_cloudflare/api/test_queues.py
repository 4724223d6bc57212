"""Queues and their consumers: created, listed, changed and deleted through the SDK."""

from __future__ import annotations

from typing import Any

import cloudflare
import pytest

from tests.local_cloudflare.support.queues import (
    PRODUCER,
    add_consumer,
    backlog_count,
    create_queue,
    deploy_consumer,
    producer_binding,
    push_message,
)
from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.support.platform_fixture import Platform, error_codes


def test_a_queue_has_one_consumer(platform: Platform) -> None:
    for name in ("only", "second"):
        deploy_worker(platform, name, HELLO)
    queue = create_queue(platform, "single")
    add_consumer(platform, queue, "only")

    with pytest.raises(cloudflare.ConflictError, match="11004"):
        add_consumer(platform, queue, "second")


@pytest.mark.parametrize("name", ["", "Upper", "under_score", "-dash", "dash-", "x" * 64])
def test_an_invalid_name_is_refused(platform: Platform, name: str) -> None:
    response = platform.api("POST", "queues", json={"queue_name": name})

    assert (response.status_code, error_codes(response)) == (400, [11003])


def test_a_name_is_unique(platform: Platform) -> None:
    create_queue(platform, "unique")

    with pytest.raises(cloudflare.ConflictError, match="already taken"):
        create_queue(platform, "unique")


def test_queues_are_filtered_by_name_and_paged(platform: Platform) -> None:
    names = [f"found-{number}" for number in range(3)]
    for name in names:
        create_queue(platform, name)

    filtered = platform.api("GET", "queues?name=found-0&name=found-2&name=missing").json()
    paged = platform.api("GET", "queues?per_page=1&page=2").json()

    assert [queue["queue_name"] for queue in filtered["result"]] == ["found-0", "found-2"]
    assert len(paged["result"]) == 1
    assert paged["result_info"]["page"] == 2


def test_settings_are_read_changed_and_checked(platform: Platform) -> None:
    queue = create_queue(platform, "tuned")
    queues = platform.client().queues
    account: Any = {"account_id": platform.account_id}

    queues.edit(queue, **account, settings={"delivery_delay": 5})
    read = queues.get(queue, **account)

    assert read is not None
    assert read.settings is not None
    assert (read.settings.delivery_delay, read.settings.message_retention_period) == (5, 345600)
    with pytest.raises(cloudflare.BadRequestError, match="delivery_delay"):
        queues.edit(queue, **account, settings={"delivery_delay": -1})
    with pytest.raises(cloudflare.BadRequestError, match="cannot rename a queue"):
        queues.update(queue, **account, queue_name="other")


def test_a_paused_queue_keeps_its_messages_until_they_are_purged(platform: Platform) -> None:
    deploy_consumer(platform, "paused")
    queue = create_queue(platform, "to-paused")
    add_consumer(platform, queue, "paused")
    client: Any = platform.client().queues
    account = {"account_id": platform.account_id}
    client.edit(queue, **account, settings={"delivery_paused": True})

    push_message(platform, queue, "held")
    assert backlog_count(platform, queue) == 1
    client.purge.start(queue, **account, delete_messages_permanently=True)
    assert backlog_count(platform, queue) == 0


def test_a_queue_in_use_is_not_deleted(platform: Platform) -> None:
    queue = create_queue(platform, "held-fast")
    deploy_worker(platform, "holds-fast", PRODUCER, producer_binding("held-fast"))

    with pytest.raises(cloudflare.BadRequestError, match="'holds-fast'"):
        platform.client().queues.delete(queue, account_id=platform.account_id)


def test_deleting_a_queue_deletes_its_messages(platform: Platform) -> None:
    queue = create_queue(platform, "short")
    push_message(platform, queue, "gone")

    platform.client().queues.delete(queue, account_id=platform.account_id)

    with pytest.raises(cloudflare.NotFoundError):
        platform.client().queues.get(queue, account_id=platform.account_id)
    assert backlog_count(platform, create_queue(platform, "short")) == 0


def test_a_consumer_is_deleted_only_with_force_and_its_queue_stays(platform: Platform) -> None:
    deploy_worker(platform, "leaver", HELLO)
    queue = create_queue(platform, "left")
    add_consumer(platform, queue, "leaver")

    refused = platform.api("DELETE", "workers/services/leaver")
    deleted = platform.api("DELETE", "workers/services/leaver?force=true")

    assert (error_codes(refused), deleted.status_code) == ([10064], 200)
    read = platform.client().queues.get(queue, account_id=platform.account_id)
    assert read is not None
    assert read.consumers == []
