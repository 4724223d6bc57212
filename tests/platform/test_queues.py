"""Queues: made through the SDK, filled by Workers and by the API, emptied by their consumers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cloudflare
import pytest

from tests.platform.uploads import HELLO, Binding, process_of, until, uploaded
from tests.platform_fixture import Platform, start_platform

# Takes what it hears into a namespace, one key for each message; fails as often as the message says.
CONSUMER = """
export default {
  async fetch(request, env) {
    const { keys } = await env.KV.list();
    return Response.json(await Promise.all(keys.map(({ name }) => env.KV.get(name, "json"))));
  },
  async queue(batch, env) {
    for (const message of batch.messages) {
      if (message.body.fails >= message.attempts) { message.retry(); continue; }
      const heard = { queue: batch.queue, body: message.body, attempts: message.attempts };
      await env.KV.put(message.id, JSON.stringify({ ...heard, size: batch.messages.length }));
    }
  },
};
"""

PRODUCER = """
export default {
  async fetch(request, env) {
    const { send, options } = await request.json();
    try {
      await env.OUT.sendBatch(send.map((body) => ({ body, ...options })));
      return new Response("sent");
    } catch (error) { return new Response(error.message, { status: 500 }); }
  },
};
"""


def make(platform: Platform, name: str) -> str:
    queue = platform.client().queues.create(account_id=platform.account_id, queue_name=name)
    assert queue is not None
    assert queue.queue_id is not None
    return queue.queue_id


def consume(platform: Platform, queue: str, script: str, dead: str = "", **more: int) -> None:
    """Make the Worker the queue's consumer; a batch waits for nothing unless told."""
    settings: Any = {"max_wait_time_ms": 10} | more
    platform.client().queues.consumers.create(
        queue,
        account_id=platform.account_id,
        type="worker",
        script_name=script,
        dead_letter_queue=dead,
        settings=settings,
    )


def push(platform: Platform, queue: str, body: object, **more: Any) -> Any:
    messages: Any = platform.client().queues.messages
    kind = {"content_type": "json"} | more
    return messages.push(queue, account_id=platform.account_id, body=body, **kind)


def listener(platform: Platform, name: str) -> None:
    """Upload the Worker that keeps what it hears."""
    kv = platform.client().kv.namespaces.create(account_id=platform.account_id, title=name)
    assert kv is not None
    uploaded(
        platform,
        name,
        CONSUMER,
        {"type": "kv_namespace", "name": "KV", "namespace_id": kv.id},
    )


def heard(platform: Platform, name: str, count: int = 1) -> list[Any]:
    """Return what the Worker heard, once it is so many messages."""
    until(lambda: len(platform.fetch(name).json()), count)
    return list(platform.fetch(name).json())


def producer(queue: str) -> Binding:
    return {"type": "queue", "name": "OUT", "queue_name": queue}


def test_a_message_sent_by_the_api_reaches_its_consumer(platform: Platform) -> None:
    listener(platform, "ear")
    queue = make(platform, "to-ear")
    consume(platform, queue, "ear")

    answer = push(platform, queue, {"order": 7})

    assert answer.metadata.metrics.backlog_count == 1
    [message] = heard(platform, "ear")
    assert message == {"queue": "to-ear", "body": {"order": 7}, "attempts": 1, "size": 1}


def test_a_worker_sends_every_kind_of_body(platform: Platform) -> None:
    listener(platform, "kinds")
    consume(platform, make(platform, "to-kinds"), "kinds")
    uploaded(platform, "speaker", PRODUCER, producer("to-kinds"))

    bodies: list[object] = [{"a": [1, None]}, "text", 3]
    for options in ({}, {"contentType": "json"}, {"contentType": "v8"}):
        sent = {"send": bodies, "options": options}
        assert platform.fetch("speaker", method="POST", json=sent).text == "sent"

    found = [json.dumps(message["body"]) for message in heard(platform, "kinds", 9)]
    assert sorted(found) == sorted(json.dumps(body) for body in bodies * 3)


def test_a_batch_is_as_large_as_its_settings_say(platform: Platform) -> None:
    listener(platform, "batches")
    queue = make(platform, "to-batches")
    consume(platform, queue, "batches", batch_size=2, max_wait_time_ms=60_000)
    messages = [{"body": number, "content_type": "json"} for number in range(4)]

    platform.api("POST", f"queues/{queue}/messages/batch", json={"messages": messages})

    assert {message["size"] for message in heard(platform, "batches", 4)} == {2}


def test_a_failed_message_comes_again_and_ends_in_the_dead_letter_queue(platform: Platform) -> None:
    for name in ("fallible", "undertaker"):
        listener(platform, name)
    queue = make(platform, "to-fallible")
    consume(platform, queue, "fallible", dead="graveyard", max_retries=2)
    graveyard = next(
        found
        for found in platform.client().queues.list(account_id=platform.account_id)
        if found.queue_name == "graveyard"
    )
    consume(platform, str(graveyard.queue_id), "undertaker")

    push(platform, queue, {"fails": 2})
    push(platform, queue, {"fails": 3})

    [taken] = heard(platform, "fallible")
    [buried] = heard(platform, "undertaker")
    assert (taken["attempts"], taken["body"]) == (3, {"fails": 2})
    assert (buried["queue"], buried["body"]) == ("graveyard", {"fails": 3})


def backlog(platform: Platform, queue: str) -> int:
    metrics = platform.client().queues.get_metrics(queue, account_id=platform.account_id)
    assert metrics is not None
    return int(metrics.backlog_count)


def test_messages_outlive_a_kill_and_a_time_without_consumer(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    listener(first, "late")
    queue = make(first, "patient")
    uploaded(first, "early", PRODUCER, producer("patient"))
    first.fetch("early", method="POST", json={"send": ["by code"]})
    push(first, queue, "by the API", delay_seconds=1)
    first.kill()

    second = start_platform(tmp_path)
    consume(second, queue, "late")
    bodies = {message["body"] for message in heard(second, "late", 2)}
    second.running.stop()

    assert bodies == {"by code", "by the API"}


def test_a_queue_that_waits_starts_its_group_with_the_platform(tmp_path: Path) -> None:
    first = start_platform(tmp_path)
    listener(first, "sleeper")
    queue = make(first, "slow")
    consume(first, queue, "sleeper", max_wait_time_ms=3000)
    push(first, queue, "kept")
    first.kill()

    second = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0"})
    until(lambda: backlog(second, queue), 0)
    second.running.stop()


def stopped(note: Path) -> None:
    """Return when the group's process is gone."""
    until(lambda: "runs" if note.exists() else "stopped", "stopped")


def test_a_message_wakes_a_stopped_group_which_rests_when_it_is_taken(tmp_path: Path) -> None:
    quick = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_IDLE_SECONDS": "0"})
    listener(quick, "dozer")
    queue = make(quick, "to-dozer")
    consume(quick, queue, "dozer", max_wait_time_ms=2500)
    note = quick.state / "groups" / "worker-dozer" / "workerd.pid"
    stopped(note)

    push(quick, queue, "up")
    before = process_of(quick, "worker-dozer")

    assert heard(quick, "dozer")[0]["body"] == "up"
    assert before
    stopped(note)
    quick.running.stop()


def test_a_queue_has_one_consumer(platform: Platform) -> None:
    for name in ("only", "second"):
        uploaded(platform, name, HELLO)
    queue = make(platform, "single")
    consume(platform, queue, "only")

    with pytest.raises(cloudflare.ConflictError, match="11004"):
        consume(platform, queue, "second")


@pytest.mark.parametrize("name", ["", "Upper", "under_score", "-dash", "dash-", "x" * 64])
def test_a_name_that_cloudflare_refuses_is_refused(platform: Platform, name: str) -> None:
    answer = platform.api("POST", "queues", json={"queue_name": name})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 11003)


def test_a_name_is_taken_once(platform: Platform) -> None:
    make(platform, "unique")

    with pytest.raises(cloudflare.ConflictError, match="already taken"):
        make(platform, "unique")


def test_queues_are_found_by_name_and_in_pages(platform: Platform) -> None:
    names = [f"found-{number}" for number in range(3)]
    for name in names:
        make(platform, name)

    asked = platform.api("GET", "queues?name=found-0&name=found-2&name=nowhere").json()
    paged = platform.api("GET", "queues?per_page=1&page=2").json()

    assert [queue["queue_name"] for queue in asked["result"]] == ["found-0", "found-2"]
    assert len(paged["result"]) == 1
    assert paged["result_info"]["page"] == 2


def test_settings_are_read_changed_and_checked(platform: Platform) -> None:
    queue = make(platform, "tuned")
    queues = platform.client().queues
    where: Any = {"account_id": platform.account_id}

    queues.edit(queue, **where, settings={"delivery_delay": 5})
    read = queues.get(queue, **where)

    assert read is not None
    assert read.settings is not None
    assert (read.settings.delivery_delay, read.settings.message_retention_period) == (5, 345600)
    with pytest.raises(cloudflare.BadRequestError, match="delivery_delay"):
        queues.edit(queue, **where, settings={"delivery_delay": -1})
    with pytest.raises(cloudflare.BadRequestError, match="renames no queue"):
        queues.update(queue, **where, queue_name="other")


def test_a_paused_queue_keeps_its_messages_until_they_are_purged(platform: Platform) -> None:
    listener(platform, "paused")
    queue = make(platform, "to-paused")
    consume(platform, queue, "paused")
    client: Any = platform.client().queues
    where = {"account_id": platform.account_id}
    client.edit(queue, **where, settings={"delivery_paused": True})

    push(platform, queue, "held")
    assert backlog(platform, queue) == 1
    client.purge.start(queue, **where, delete_messages_permanently=True)
    assert backlog(platform, queue) == 0


def test_a_queue_in_use_is_not_deleted(platform: Platform) -> None:
    queue = make(platform, "held-fast")
    uploaded(platform, "holds-fast", PRODUCER, producer("held-fast"))

    with pytest.raises(cloudflare.BadRequestError, match="'holds-fast'"):
        platform.client().queues.delete(queue, account_id=platform.account_id)


def test_a_deleted_queue_takes_its_messages_along(platform: Platform) -> None:
    queue = make(platform, "short")
    push(platform, queue, "gone")

    platform.client().queues.delete(queue, account_id=platform.account_id)

    with pytest.raises(cloudflare.NotFoundError):
        platform.client().queues.get(queue, account_id=platform.account_id)
    assert backlog(platform, make(platform, "short")) == 0


def test_a_consumer_is_deleted_only_by_force_and_leaves_its_queue(platform: Platform) -> None:
    uploaded(platform, "leaver", HELLO)
    queue = make(platform, "left")
    consume(platform, queue, "leaver")

    kept = platform.api("DELETE", "workers/services/leaver")
    gone = platform.api("DELETE", "workers/services/leaver?force=true")

    assert (kept.json()["errors"][0]["code"], gone.status_code) == (10064, 200)
    read = platform.client().queues.get(queue, account_id=platform.account_id)
    assert read is not None
    assert read.consumers == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, 10207),
        ({"body": 1, "content_type": "v8"}, 10207),
        ({"body": 1, "delay_seconds": 90_000}, 10203),
        ({"body": "x" * 130_000}, 10204),
    ],
)
def test_a_wrong_message_has_cloudflares_code(
    platform: Platform, message: dict[str, object], code: int
) -> None:
    name = f"wrong-{code}-{len(message)}"
    answer = platform.api("POST", f"queues/{make(platform, name)}/messages", json=message)

    assert answer.json()["errors"][0]["code"] == code


def test_a_worker_that_sends_too_much_is_told(platform: Platform) -> None:
    make(platform, "narrow")
    uploaded(platform, "loud", PRODUCER, producer("narrow"))

    answer = platform.fetch("loud", method="POST", json={"send": ["x" * 130_000]})

    assert answer.status_code == 500
    assert "128000" in answer.text or "Payload" in answer.text
