// A queue: a Durable Object that keeps messages in SQLite until the consumer has processed them, so that none is lost
// when the process stops. Miniflare's own broker keeps them in memory, and drops messages while there is no consumer.

import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

const MAX_MESSAGE_BYTES = 128_000;
const MAX_BATCH_MESSAGES = 100;
const MAX_BATCH_BYTES = 256_000;
const MAX_DELAY_SECONDS = 86_400;
const FORMATS = ['text', 'json', 'bytes', 'v8'];
const SECOND = 1000;

export const queueOf = (env, name) => env.QUEUES.get(env.QUEUES.idFromName(name));

/** An error with Cloudflare's status and code, for the API and for a Worker's binding. */
export class QueueError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function checkMessages(messages) {
  if (messages.length === 0 || messages.length > MAX_BATCH_MESSAGES)
    throw new QueueError(
      400,
      10206,
      `a batch must have 1 to ${MAX_BATCH_MESSAGES} messages, not ${messages.length}`,
    );
  for (const { format, delay, body } of messages) {
    if (!FORMATS.includes(format))
      throw new QueueError(400, 10203, `"${format}" is not a valid content type for messages`);
    if (delay !== undefined && !(delay >= 0 && delay <= MAX_DELAY_SECONDS))
      throw new QueueError(
        400,
        10203,
        `the delay of a message must be 0 to ${MAX_DELAY_SECONDS} seconds, not ${delay}`,
      );
    if (body.byteLength > MAX_MESSAGE_BYTES)
      throw new QueueError(
        413,
        10204,
        `a message can have at most ${MAX_MESSAGE_BYTES} bytes, not ${body.byteLength}`,
      );
  }
  const bytes = messages.reduce((sum, { body }) => sum + body.byteLength, 0);
  if (bytes > Math.max(MAX_BATCH_BYTES, MAX_MESSAGE_BYTES))
    throw new QueueError(413, 10205, `a batch can have at most ${MAX_BATCH_BYTES} bytes, not ${bytes}`);
}

/** Serves workerd's queue binding, which turns `send` and `sendBatch` into requests. */
export class QueueProducer extends WorkerEntrypoint {
  async fetch(request) {
    const { queue, delay } = this.ctx.props;
    const stub = queueOf(this.env, queue);
    if (new URL(request.url).pathname === '/metrics')
      return Response.json(bindingMetrics(await stub.metrics()));
    try {
      const messages = await readMessages(request, delay);
      checkMessages(messages);
      return Response.json({ metadata: { metrics: bindingMetrics(await stub.push(queue, messages)) } });
    } catch (error) {
      if (!(error instanceof QueueError)) throw error;
      const headers = { 'CF-Queues-Error-Code': String(error.code), 'CF-Queues-Error-Cause': error.message };
      return new Response(error.message, { status: error.status, headers });
    }
  }
}

async function readMessages(request, defaultDelay) {
  const header = request.headers.get('X-Msg-Delay-Secs');
  const delay = header === null ? defaultDelay : Number(header);
  if (new URL(request.url).pathname !== '/batch') {
    const format = request.headers.get('X-Msg-Fmt') ?? 'v8';
    return [{ format, delay, body: new Uint8Array(await request.arrayBuffer()) }];
  }
  const { messages } = await request.json();
  return messages.map(({ contentType = 'v8', delaySecs, body }) => ({
    format: contentType,
    delay: delaySecs ?? delay,
    body: Uint8Array.fromBase64(body),
  }));
}

const bindingMetrics = ({ count, bytes, oldest }) => ({
  backlogCount: count,
  backlogBytes: bytes,
  oldestMessageTimestamp: oldest,
});

/** The name of a version, according to the shares of the deployment. */
function chosen(versions) {
  let position = Math.random() * 100;
  const found = versions.find(({ percentage }) => {
    position -= percentage;
    return position < 0;
  });
  return (found ?? versions[0]).name;
}

/** One object for each queue. It delivers one batch at a time, which is within any `max_concurrency`. */
export class Queue extends DurableObject {
  #timer;
  #isDelivering = false;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec(`CREATE TABLE IF NOT EXISTS messages (
      id TEXT PRIMARY KEY, at INTEGER, due INTEGER, attempts INTEGER, format TEXT, body BLOB)`);
  }

  #sql(query, ...values) {
    return this.ctx.storage.sql.exec(query, ...values).toArray();
  }

  push(name, messages) {
    const now = Date.now();
    const { delivery_delay } = this.#settings(name);
    for (const { id = crypto.randomUUID().replaceAll('-', ''), at = now, delay, format, body } of messages) {
      const due = now + (delay ?? delivery_delay) * SECOND;
      this.#sql('INSERT OR REPLACE INTO messages VALUES (?, ?, ?, 0, ?, ?)', id, at, due, format, body);
    }
    this.wake(name);
    return this.metrics();
  }

  /** Schedule the next batch; a new process does not do that by itself. */
  wake(name) {
    this.name = name;
    this.#schedule();
  }

  purge(name) {
    this.#sql('DELETE FROM messages');
    this.wake(name);
  }

  metrics() {
    const query = 'SELECT count(*) AS count, sum(length(body)) AS bytes, min(at) AS oldest FROM messages';
    const [{ count, bytes, oldest }] = this.#sql(query);
    return { count, bytes: bytes ?? 0, oldest: oldest ?? 0 };
  }

  #settings(name = this.name) {
    return this.env[`queue:${name}`];
  }

  #schedule() {
    clearTimeout(this.#timer);
    const { consumer, message_retention_period } = this.#settings();
    this.#sql('DELETE FROM messages WHERE at < ?', Date.now() - message_retention_period * SECOND);
    if (!consumer || this.#isDelivering) return;
    const time = this.#nextTime(consumer);
    if (time !== undefined) this.#timer = setTimeout(() => this.#deliver(), Math.max(0, time - Date.now()));
  }

  /** A batch is delivered when it is full, or when its first message has waited long enough. */
  #nextTime({ batch_size, max_wait_time_ms }) {
    const dues = this.#sql('SELECT due FROM messages ORDER BY due LIMIT ?', batch_size);
    if (dues.length === 0) return undefined;
    const latest = dues[0].due + max_wait_time_ms;
    return dues.length < batch_size ? latest : Math.min(latest, dues.at(-1).due);
  }

  async #deliver() {
    const { consumer } = this.#settings();
    const query = 'SELECT * FROM messages WHERE due <= ? ORDER BY due, rowid LIMIT ?';
    const batch = this.#sql(query, Date.now(), consumer.batch_size);
    if (batch.length > 0) {
      this.#isDelivering = true;
      try {
        await this.#applyResult(consumer, batch, await this.#callConsumer(consumer, batch));
      } finally {
        this.#isDelivering = false;
      }
    }
    this.#schedule();
  }

  async #callConsumer({ versions }, batch) {
    const { count, bytes, oldest } = this.metrics();
    const metrics = { backlogCount: count, backlogBytes: bytes, oldestMessageTimestamp: new Date(oldest) };
    try {
      return await this.env[`worker:${chosen(versions)}`].queue(this.name, batch.map(toDelivery), {
        metrics,
      });
    } catch (error) {
      console.error(`queue ${this.name}: ${error?.message ?? error}`);
      return { outcome: 'exception' };
    }
  }

  async #applyResult(consumer, batch, response) {
    const failed = batch.filter((message) => hasFailed(message, response));
    const isLast = ({ attempts }) => attempts >= consumer.max_retries;
    if (consumer.dead_letter_queue)
      await this.#moveToQueue(consumer.dead_letter_queue, failed.filter(isLast));
    const retried = failed.filter((message) => !isLast(message));
    for (const { id } of batch.filter((message) => !retried.includes(message)))
      this.#sql('DELETE FROM messages WHERE id = ?', id);
    const delays = new Map(response.retryMessages?.map(({ msgId, delaySeconds }) => [msgId, delaySeconds]));
    for (const { id } of retried) {
      const delay = delays.get(id) ?? response.retryBatch?.delaySeconds ?? consumer.retry_delay;
      const due = Date.now() + delay * SECOND;
      this.#sql('UPDATE messages SET attempts = attempts + 1, due = ? WHERE id = ?', due, id);
    }
  }

  async #moveToQueue(name, messages) {
    if (messages.length === 0) return;
    const copies = messages.map(({ id, at, format, body }) => ({
      id,
      at,
      format,
      body: new Uint8Array(body),
    }));
    await queueOf(this.env, name).push(name, copies);
  }
}

/** A message that was acknowledged stays acknowledged, whatever the handler does afterwards. */
function hasFailed({ id }, { outcome, explicitAcks = [], retryMessages = [], ackAll, retryBatch }) {
  if (explicitAcks.includes(id)) return false;
  if (retryMessages.some(({ msgId }) => msgId === id)) return true;
  return !ackAll && (outcome !== 'ok' || Boolean(retryBatch?.retry));
}

const utf8 = new TextDecoder();

const BODIES = {
  text: (body) => ({ body: utf8.decode(body) }),
  json: (body) => ({ body: JSON.parse(utf8.decode(body)) }),
  bytes: (body) => ({ body }),
  v8: (body) => ({ serializedBody: body }),
};

function toDelivery({ id, at, attempts, format, body }) {
  return { id, timestamp: new Date(at), attempts: attempts + 1, ...BODIES[format](body) };
}
