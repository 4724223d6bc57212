import { Buffer } from "node:buffer";

const decode = (body) => JSON.parse(Buffer.from(body, "base64").toString());

@queue function stockOrders(batch, env, ctx) {
  @config {
    max_batch_size: 20,
    max_batch_timeout: "5s",
    max_retries: 4,
    dead_letter_queue: "stock-orders-dead",
    max_concurrency: 2,
  }
  for (const message of batch.messages) {
    await env.WORKFLOW.create({ params: decode(message.body) });
    message.ack();
  }
}

@queue async function returns(batch, env) {
  for (const message of batch.messages) message.retry();
}

@fetch function handler() {
  return new Response("This Worker only consumes queues.", { status: 405 });
}
