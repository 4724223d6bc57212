// Queues and how many messages are waiting in them.

import { type Context, Hono } from 'hono';
import {
  invalidQueue,
  invalidQueueName,
  noSuchQueue,
  queueInUse,
  queueNameTaken,
} from '../../http/errors.ts';
import { isText } from '../../http/names.ts';
import { checkSettings, readObject } from '../../http/requests.ts';
import { ok, okPage } from '../../http/responses.ts';
import { newQueue, now } from '../../state/new_records.ts';
import type { Consumer, Queue, QueueSettings } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH = '/queues';
export const ITEM = `${PATH}/:queue`;

interface QueueBody {
  queue_name: string;
  settings: Partial<QueueSettings>;
}

export function queues(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      const queues = withNames(platform, c.req.queries('name') ?? []);
      return okPage(c, queues, (queue) => serialize(platform, queue), 100);
    })
    .post(PATH, async (c) =>
      ok(c, serialize(platform, await create(platform, await readObject<QueueBody>(c)))),
    )
    .get(ITEM, (c) => ok(c, serialize(platform, getQueue(platform, c))))
    .put(ITEM, async (c) => ok(c, serialize(platform, await update(platform, c))))
    .patch(ITEM, async (c) => ok(c, serialize(platform, await update(platform, c))))
    .delete(ITEM, async (c) => {
      await remove(platform, getQueue(platform, c));
      return ok(c, null);
    })
    .get(`${ITEM}/metrics`, async (c) => ok(c, await metrics(platform, getQueue(platform, c))))
    .post(`${ITEM}/purge`, async (c) => {
      const queue = getQueue(platform, c);
      const { delete_messages_permanently: isConfirmed } = await readObject<Record<string, unknown>>(c);
      if (isConfirmed !== true) throw invalidQueue('delete_messages_permanently must be true');
      await control(platform, queue, 'purge');
      return ok(c, serialize(platform, queue));
    });
}

export function getQueue({ account }: Platform, c: Context): Queue {
  const id = c.req.param('queue') ?? '';
  const queue = account.queues.all().find((other) => other.id === id);
  if (!queue) throw noSuchQueue(id);
  return queue;
}

export async function control<T>(
  { groups }: Platform,
  { name }: Queue,
  operation: string,
  options = {},
): Promise<T> {
  const node = `queue:${name}`;
  return (await groups.use(node, (runtime) => runtime.control<T>(node, operation, options))) as T;
}

export interface Backlog {
  count: number;
  bytes: number;
  oldest: number;
}

export const serializeBacklog = ({ count, bytes, oldest }: Backlog): object => ({
  backlog_count: count,
  backlog_bytes: bytes,
  oldest_message_timestamp_ms: oldest,
});

async function metrics(platform: Platform, queue: Queue): Promise<object> {
  return serializeBacklog(await control<Backlog>(platform, queue, 'metrics'));
}

function withNames({ account }: Platform, names: string[]): Queue[] {
  const isNamed = ({ name }: Queue) => names.length === 0 || names.includes(name);
  return account.queues.all().filter(isNamed);
}

/** The Workers that send messages to a queue. */
const producers = ({ account }: Platform, queue: string): string[] =>
  account.workersWithBinding((binding) => binding.type === 'queue' && binding.queue_name === queue);

function serialize(platform: Platform, { id, name, consumer, ...queue }: Queue): object {
  const scripts = producers(platform, name);
  const consumers = consumer ? [serializeConsumer(name, consumer)] : [];
  return {
    ...queue,
    queue_id: id,
    queue_name: name,
    producers: scripts.map((script) => ({ type: 'worker', script })),
    producers_total_count: scripts.length,
    consumers,
    consumers_total_count: consumers.length,
  };
}

/** wrangler reads `script`, the SDK `script_name`. */
export function serializeConsumer(queue: string, consumer: Consumer): object {
  return { ...consumer, type: 'worker', queue_name: queue, script: consumer.script_name };
}

async function create({ account, groups }: Platform, body: Partial<QueueBody>): Promise<Queue> {
  const name = body.queue_name ?? '';
  if (!isText(name) || !NAME.test(name)) throw invalidQueueName(name);
  if (account.queues.get(name)) throw queueNameTaken(name);
  const queue = newQueue(name, checkedSettings(body.settings ?? {}));
  await groups.apply({ change: () => account.queues.add(queue) });
  return queue;
}

async function update(platform: Platform, c: Context): Promise<Queue> {
  const { account, groups } = platform;
  const before = getQueue(platform, c);
  const { queue_name = before.name, settings } = await readObject<QueueBody>(c);
  if (queue_name !== before.name)
    throw invalidQueue(
      `the embedded platform cannot rename a queue: create "${queue_name}" and delete "${before.name}"`,
    );
  const queue = {
    ...before,
    modified_on: now(),
    settings: { ...before.settings, ...checkedSettings(settings ?? {}) },
  };
  await groups.apply({ change: () => account.queues.replace(queue) });
  return queue;
}

type Limits = Record<string, [min: number, max: number]>;

const LIMITS: Limits = {
  delivery_delay: [0, 86_400],
  message_retention_period: [60, 1_209_600],
};

const SWITCHES = ['delivery_paused'];

export function checkLimits(settings: object, limits: Limits): void {
  const values: Record<string, unknown> = { ...settings };
  checkSettings(settings, [...Object.keys(limits), ...SWITCHES], 'a queue');
  for (const [name, [min, max]] of Object.entries(limits)) {
    const value = values[name] ?? min;
    if (!(Number(value) >= min && Number(value) <= max))
      throw invalidQueue(`${name} must be ${min} to ${max}, not ${value}`);
  }
}

function checkedSettings(settings: Partial<QueueSettings>): Partial<QueueSettings> {
  checkLimits(settings, LIMITS);
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => (value ?? undefined) !== undefined),
  );
}

async function remove(platform: Platform, { name }: Queue): Promise<void> {
  const { account, groups } = platform;
  const users = producers(platform, name).map((user) => `'${user}'`);
  if (users.length > 0)
    throw queueInUse(
      `Cannot delete queue '${name}' that is still referenced by a binding in a Worker. Unbind queue '${name}' ` +
        `from the Workers ${users.join(', ')}; then try again.`,
    );
  if (account.queues.all().some(({ consumer }) => consumer?.dead_letter_queue === name))
    throw queueInUse(`Cannot delete queue '${name}' that serves as dead letter queue for consumers`);
  await groups.apply({ change: () => account.queues.delete(name), erases: `queue:${name}` });
}
