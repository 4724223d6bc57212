import { type Context, Hono } from 'hono';
import { consumerExists, invalidQueue, noSuchConsumer, noSuchWorker } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { newHexId, newQueue, now } from '../../state/new_records.ts';
import type { Consumer, ConsumerSettings, Queue } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';
import { consumerShown, ONE as QUEUE, queueOf } from './queues.ts';

const PATH = `${QUEUE}/consumers`;
const ONE = `${PATH}/:consumer`;

interface Wanted {
  type: string;
  script_name: string;
  dead_letter_queue: string;
  settings: ConsumerSettings;
}

export function consumers(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      const { name, consumer } = queueOf(platform, c);
      return ok(c, consumer ? [consumerShown(name, consumer)] : []);
    })
    .post(PATH, async (c) => {
      const queue = queueOf(platform, c);
      if (queue.consumer) throw consumerExists(queue.name, queue.consumer.script_name);
      return keep(platform, c, { queue, before: { consumer_id: newHexId(), created_on: now() } });
    })
    .get(ONE, (c) => ok(c, consumerShown(queueOf(platform, c).name, consumerOf(platform, c))))
    .put(ONE, (c) => keep(platform, c, { queue: queueOf(platform, c), before: consumerOf(platform, c) }))
    .delete(ONE, async (c) => {
      consumerOf(platform, c);
      const { consumer: _, ...queue } = queueOf(platform, c);
      await platform.groups.apply({ change: () => platform.account.queues.replace(queue) });
      return ok(c, null);
    });
}

function consumerOf(platform: Platform, c: Context): Consumer {
  const { consumer } = queueOf(platform, c);
  const wanted = c.req.param('consumer') ?? '';
  if (consumer?.consumer_id !== wanted) throw noSuchConsumer(wanted);
  return consumer;
}

interface Change {
  queue: Queue;
  before: Pick<Consumer, 'consumer_id' | 'created_on'>;
}

/** A dead letter queue that is not there is made, as Cloudflare does. */
async function keep(platform: Platform, c: Context, { queue, before }: Change): Promise<Response> {
  const { account, groups } = platform;
  const { consumer_id, created_on } = before;
  const consumer = { consumer_id, created_on, ...read(platform, queue, await bodyOf<Wanted>(c)) };
  const dead = consumer.dead_letter_queue;
  const change = () => {
    if (dead && !account.queues.get(dead)) account.queues.add(newQueue(dead));
    account.queues.replace({ ...queue, modified_on: now(), consumer });
  };
  await groups.apply({ change });
  return ok(c, consumerShown(queue.name, consumer));
}

type Read = Omit<Consumer, 'consumer_id' | 'created_on'>;

function read({ account }: Platform, queue: Queue, wanted: Partial<Wanted>): Read {
  const { type, script_name = '', dead_letter_queue = '', settings = {} } = wanted;
  if (type !== 'worker')
    throw invalidQueue(`a consumer of the type "${type}" does not exist on the embedded platform`);
  if (!account.workers.has(script_name)) throw noSuchWorker(script_name);
  if (dead_letter_queue === queue.name)
    throw invalidQueue(`queue '${queue.name}' cannot be its own dead letter queue`);
  return { script_name, dead_letter_queue, settings: checked(settings) };
}

const LIMITS: Record<string, [from: number, to: number]> = {
  batch_size: [1, 100],
  max_wait_time_ms: [0, 60_000],
  max_retries: [0, 100],
  max_concurrency: [1, 250],
  retry_delay: [0, 86_400],
};

function checked(settings: ConsumerSettings): ConsumerSettings {
  for (const [name, [from, to]] of Object.entries(LIMITS)) {
    const value = settings[name as keyof ConsumerSettings];
    if (value !== undefined && value !== null && !(value >= from && value <= to))
      throw invalidQueue(`${name} is ${from} to ${to}, not ${value}`);
  }
  return settings;
}
