// The settings of a queue for its object in the control Worker, and whether messages are waiting.
//
// A message is in SQLite, in its group's folder, from the moment `send` returns until the consumer has processed it, even
// while it is delayed, waits for a retry, or has no consumer. If the process stops during delivery, the message is
// delivered again (at least once, as on Cloudflare). A group whose consumer has messages is not stopped when idle, and is
// started with the platform; a message sent through the API starts it too.

import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Account } from '../state/account.ts';
import { stateFilesOf } from '../state/layout.ts';
import { variantName } from '../state/nodes.ts';
import type { Consumer, Queue, Share, Worker } from '../state/records.ts';
import { readDatabase } from '../system/sqlite.ts';

/** Cloudflare's defaults, except that it waits five seconds; local tools wait one. */
const CONSUMER_DEFAULTS = { batch_size: 10, max_wait_time_ms: 1000, max_retries: 3, retry_delay: 0 };

/** A JSON binding with the queue's settings, so that changing them restarts the group. */
export function queueBinding(account: Account, name: string): object | undefined {
  const queue = account.queues.get(name);
  return queue && { type: 'json', value: { ...queue.settings, consumer: consumerSettings(account, queue) } };
}

function consumerSettings(account: Account, { consumer, settings }: Queue): object | null {
  if (!consumer || settings.delivery_paused || !account.workers.get(consumer.script_name)?.live) return null;
  const { script_name: name, dead_letter_queue } = consumer;
  const worker = account.workers.get(name);
  const versions =
    worker && account.shares(worker).map((share) => ({ ...share, name: variantOf(worker, share) }));
  return { ...CONSUMER_DEFAULTS, ...definedSettings(consumer), versions, dead_letter_queue };
}

const variantOf = ({ name, live }: Worker, { version_id }: Share): string =>
  version_id === live ? name : variantName(name, version_id);

const definedSettings = ({ settings }: Consumer): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== null));

/** Whether the queue has both a consumer and messages. */
export function hasWaitingMessages(group: string, node: string, resource: object): boolean {
  const { value } = resource as { value: { consumer: object | null } };
  const [file = ''] = stateFilesOf(node);
  return value.consumer !== null && (readDatabase(path.join(group, file), countMessages) ?? 0) > 0;
}

function countMessages(database: DatabaseSync): number {
  const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'messages'").get();
  return hasTable ? Number(database.prepare('SELECT count(*) AS n FROM messages').get()?.n) : 0;
}
