import { type Context, Hono } from 'hono';
import {
  invalidQueue,
  invalidQueueName,
  noSuchQueue,
  queueInUse,
  queueNameTaken,
} from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok, paged } from '../../http/responses.ts';
import { newQueue, now } from '../../state/new_records.ts';
import type { Consumer, Queue, QueueSettings } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const PATH = '/queues';
export const ONE = `${PATH}/:queue`;

interface Wanted {
  queue_name: string;
  settings: Partial<QueueSettings>;
}

export function queues(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      const { items, info } = paged(c, named(platform, c.req.queries('name') ?? []), 100);
      return ok(
        c,
        items.map((queue) => shown(platform, queue)),
        info,
      );
    })
    .post(PATH, async (c) => ok(c, shown(platform, await create(platform, await bodyOf<Wanted>(c)))))
    .get(ONE, (c) => ok(c, shown(platform, queueOf(platform, c))))
    .put(ONE, async (c) => ok(c, shown(platform, await update(platform, c))))
    .patch(ONE, async (c) => ok(c, shown(platform, await update(platform, c))))
    .delete(ONE, async (c) => {
      await remove(platform, queueOf(platform, c));
      return ok(c, null);
    })
    .get(`${ONE}/metrics`, async (c) => ok(c, await metrics(platform, queueOf(platform, c))))
    .post(`${ONE}/purge`, async (c) => {
      const queue = queueOf(platform, c);
      const { delete_messages_permanently: isMeant } = await bodyOf<Record<string, unknown>>(c);
      if (isMeant !== true) throw invalidQueue('delete_messages_permanently must be true');
      await ask(platform, queue, 'purge');
      return ok(c, shown(platform, queue));
    });
}

export function queueOf({ account }: Platform, c: Context): Queue {
  const id = c.req.param('queue') ?? '';
  const queue = account.queues.all().find((other) => other.id === id);
  if (!queue) throw noSuchQueue(id);
  return queue;
}

export async function ask<T>(
  { groups }: Platform,
  { name }: Queue,
  operation: string,
  options = {},
): Promise<T> {
  const node = `queue:${name}`;
  return (await groups.use(node, (runtime) => runtime.control<T>(node, operation, options))) as T;
}

interface Backlog {
  count: number;
  bytes: number;
  oldest: number;
}

export const metricsShown = ({ count, bytes, oldest }: Backlog): object => ({
  backlog_count: count,
  backlog_bytes: bytes,
  oldest_message_timestamp_ms: oldest,
});

async function metrics(platform: Platform, queue: Queue): Promise<object> {
  return metricsShown(await ask<Backlog>(platform, queue, 'metrics'));
}

function named({ account }: Platform, names: string[]): Queue[] {
  const isNamed = ({ name }: Queue) => names.length === 0 || names.includes(name);
  return account.queues.all().filter(isNamed);
}

/** The Workers that send to a queue. */
const producers = ({ account }: Platform, queue: string): string[] =>
  account.usersOf((binding) => binding.type === 'queue' && binding.queue_name === queue);

function shown(platform: Platform, { id, name, consumer, ...queue }: Queue): object {
  const scripts = producers(platform, name);
  const consumers = consumer ? [consumerShown(name, consumer)] : [];
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

/** wrangler looks for `script`, the SDK for `script_name`. */
export function consumerShown(queue: string, consumer: Consumer): object {
  return { ...consumer, type: 'worker', queue_name: queue, script: consumer.script_name };
}

async function create({ account, groups }: Platform, wanted: Partial<Wanted>): Promise<Queue> {
  const name = wanted.queue_name ?? '';
  if (!NAME.test(name)) throw invalidQueueName(name);
  if (account.queues.get(name)) throw queueNameTaken(name);
  const queue = newQueue(name, checked(wanted.settings ?? {}));
  await groups.apply({ change: () => account.queues.add(queue) });
  return queue;
}

async function update(platform: Platform, c: Context): Promise<Queue> {
  const { account, groups } = platform;
  const before = queueOf(platform, c);
  const { queue_name = before.name, settings = {} } = await bodyOf<Wanted>(c);
  if (queue_name !== before.name)
    throw invalidQueue(
      `the embedded platform renames no queue: make "${queue_name}" and delete "${before.name}"`,
    );
  const queue = { ...before, modified_on: now(), settings: { ...before.settings, ...checked(settings) } };
  await groups.apply({ change: () => account.queues.replace(queue) });
  return queue;
}

const LIMITS: Record<string, [from: number, to: number]> = {
  delivery_delay: [0, 86_400],
  message_retention_period: [60, 1_209_600],
};

function checked(settings: Partial<QueueSettings>): Partial<QueueSettings> {
  for (const [name, [from, to]] of Object.entries(LIMITS)) {
    const value = settings[name as keyof QueueSettings];
    if (value !== undefined && !(Number(value) >= from && Number(value) <= to))
      throw invalidQueue(`${name} is ${from} to ${to} seconds, not ${value}`);
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
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
  await groups.apply({ change: () => account.queues.drop(name), erases: `queue:${name}` });
}
