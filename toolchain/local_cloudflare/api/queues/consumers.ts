// The Workers that consume the messages of queues.

import { type Context, Hono } from 'hono';
import { consumerExists, invalidQueue, noSuchConsumer, noSuchWorker } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { newHexId, newQueue, now } from '../../state/new_records.ts';
import type { Consumer, ConsumerSettings, Queue } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';
import { checkLimits, getQueue, ITEM as QUEUE, serializeConsumer } from './queues.ts';

const PATH = `${QUEUE}/consumers`;
const ITEM = `${PATH}/:consumer`;

interface ConsumerBody {
  type: string;
  script_name: string;
  dead_letter_queue: string;
  settings: ConsumerSettings;
}

export function consumers(platform: Platform): Hono {
  return new Hono()
    .get(PATH, (c) => {
      const { name, consumer } = getQueue(platform, c);
      return ok(c, consumer ? [serializeConsumer(name, consumer)] : []);
    })
    .post(PATH, async (c) => {
      const queue = getQueue(platform, c);
      if (queue.consumer) throw consumerExists(queue.name, queue.consumer.script_name);
      return save(platform, c, { queue, before: { consumer_id: newHexId(), created_on: now() } });
    })
    .get(ITEM, (c) => ok(c, serializeConsumer(getQueue(platform, c).name, getConsumer(platform, c))))
    .put(ITEM, (c) => save(platform, c, { queue: getQueue(platform, c), before: getConsumer(platform, c) }))
    .delete(ITEM, async (c) => {
      getConsumer(platform, c);
      const { consumer: _, ...queue } = getQueue(platform, c);
      await platform.groups.apply({ change: () => platform.account.queues.replace(queue) });
      return ok(c, null);
    });
}

function getConsumer(platform: Platform, c: Context): Consumer {
  const { consumer } = getQueue(platform, c);
  const id = c.req.param('consumer') ?? '';
  if (consumer?.consumer_id !== id) throw noSuchConsumer(id);
  return consumer;
}

interface Change {
  queue: Queue;
  before: Pick<Consumer, 'consumer_id' | 'created_on'>;
}

/** Like Cloudflare, create the dead letter queue if it does not exist. */
async function save(platform: Platform, c: Context, { queue, before }: Change): Promise<Response> {
  const { account, groups } = platform;
  const { consumer_id, created_on } = before;
  const consumer = { consumer_id, created_on, ...read(platform, queue, await readObject<ConsumerBody>(c)) };
  const deadLetterQueue = consumer.dead_letter_queue;
  const change = () => {
    if (deadLetterQueue && !account.queues.get(deadLetterQueue))
      account.queues.add(newQueue(deadLetterQueue));
    account.queues.replace({ ...queue, modified_on: now(), consumer });
  };
  await groups.apply({ change });
  return ok(c, serializeConsumer(queue.name, consumer));
}

type NewConsumer = Omit<Consumer, 'consumer_id' | 'created_on'>;

function read({ account }: Platform, queue: Queue, body: Partial<ConsumerBody>): NewConsumer {
  const { type, script_name = '', dead_letter_queue = '', settings = {} } = body;
  if (type !== 'worker')
    throw invalidQueue(`the embedded platform does not support consumers of the type "${type}"`);
  if (!account.workers.has(script_name)) throw noSuchWorker(script_name);
  if (dead_letter_queue === queue.name)
    throw invalidQueue(`queue '${queue.name}' cannot be its own dead letter queue`);
  checkLimits(settings, LIMITS);
  return { script_name, dead_letter_queue, settings };
}

const LIMITS: Record<string, [min: number, max: number]> = {
  batch_size: [1, 100],
  max_wait_time_ms: [0, 60_000],
  max_retries: [0, 100],
  max_concurrency: [1, 250],
  retry_delay: [0, 86_400],
};
