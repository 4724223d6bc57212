"""Workers that send to queues and take from them, and what the tests ask of both."""

from __future__ import annotations

from typing import Any

from tests.local_cloudflare.support.workers import Binding, deploy_worker, wait_for
from tests.support.platform_fixture import Platform

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


def create_queue(platform: Platform, name: str) -> str:
    queue = platform.client().queues.create(account_id=platform.account_id, queue_name=name)
    assert queue is not None
    assert queue.queue_id is not None
    return queue.queue_id


def add_consumer(platform: Platform, queue: str, script: str, dead: str = "", **more: int) -> None:
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


def push_message(platform: Platform, queue: str, body: object, **more: Any) -> Any:
    messages: Any = platform.client().queues.messages
    kind = {"content_type": "json"} | more
    return messages.push(queue, account_id=platform.account_id, body=body, **kind)


def deploy_consumer(platform: Platform, name: str) -> None:
    """Upload the Worker that keeps what it hears."""
    kv = platform.client().kv.namespaces.create(account_id=platform.account_id, title=name)
    assert kv is not None
    deploy_worker(
        platform,
        name,
        CONSUMER,
        {"type": "kv_namespace", "name": "KV", "namespace_id": kv.id},
    )


def received_messages(platform: Platform, name: str, count: int = 1) -> list[Any]:
    """Return what the Worker heard, once it is so many messages."""
    wait_for(lambda: len(platform.fetch(name).json()), count)
    return list(platform.fetch(name).json())


def producer_binding(queue: str) -> Binding:
    return {"type": "queue", "name": "OUT", "queue_name": queue}


def backlog_count(platform: Platform, queue: str) -> int:
    metrics = platform.client().queues.get_metrics(queue, account_id=platform.account_id)
    assert metrics is not None
    return int(metrics.backlog_count)
