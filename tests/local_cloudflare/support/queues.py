"""Queues, their messages, and Workers that send and receive them."""

from __future__ import annotations

from typing import Any

from tests.local_cloudflare.support.workers import (
    Binding,
    create_namespace,
    deploy_worker,
    namespace_binding,
    wait_for,
)
from tests.support.platform_fixture import Platform

# Stores each message in KV and prints its body; fails as often as the message says.
CONSUMER = """
export default {
  async fetch(request, env) {
    const { keys } = await env.KV.list();
    return Response.json(await Promise.all(keys.map(({ name }) => env.KV.get(name, "json"))));
  },
  async queue(batch, env) {
    for (const message of batch.messages) {
      if (message.body.fails >= message.attempts) { message.retry(); continue; }
      const { id, body, attempts } = message;
      const stored = { queue: batch.queue, body, attempts, size: batch.messages.length };
      await env.KV.put(id, JSON.stringify(stored));
      console.log("received", body);
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
    """Create a queue; return its id."""
    queue = platform.client().queues.create(account_id=platform.account_id, queue_name=name)
    assert queue is not None
    assert queue.queue_id is not None
    return queue.queue_id


def add_consumer(
    platform: Platform, queue: str, script: str, dead: str = "", **settings: int
) -> None:
    """Make the Worker the queue's consumer; by default a batch waits only 10 ms."""
    all_settings: Any = {"max_wait_time_ms": 10} | settings
    platform.client().queues.consumers.create(
        queue,
        account_id=platform.account_id,
        type="worker",
        script_name=script,
        dead_letter_queue=dead,
        settings=all_settings,
    )


def push_message(platform: Platform, queue: str, body: object, **fields: Any) -> Any:
    messages: Any = platform.client().queues.messages
    message = {"body": body, "content_type": "json"} | fields
    return messages.push(queue, account_id=platform.account_id, **message)


def deploy_consumer(platform: Platform, name: str) -> None:
    """Deploy a Worker that stores the messages that it receives."""
    deploy_worker(platform, name, CONSUMER, namespace_binding(create_namespace(platform, name)))


def received_messages(platform: Platform, name: str, count: int = 1) -> list[Any]:
    """Wait until the Worker has received this many messages, and return them."""
    wait_for(lambda: len(platform.fetch(name).json()), count)
    return list(platform.fetch(name).json())


def producer_binding(queue: str) -> Binding:
    return {"type": "queue", "name": "OUT", "queue_name": queue}


def backlog_count(platform: Platform, queue: str) -> int:
    metrics = platform.client().queues.get_metrics(queue, account_id=platform.account_id)
    assert metrics is not None
    return int(metrics.backlog_count)
