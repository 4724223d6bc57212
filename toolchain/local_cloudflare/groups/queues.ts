// What the account's records say of a queue, as its object in the control Worker is told.
//
// A message stands in SQLite, in its group's folder, from the moment `send` returns until the consumer has taken it:
// also while it is delayed, waits for its next try, or has no consumer. What a stop of the process interrupts is
// offered again (at least once, as at Cloudflare). A group with a consumer and messages is not stopped for idleness,
// and is started with the platform; a message sent through the API starts it.

import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Account } from '../state/account.ts';
import { piecesOf } from '../state/layout.ts';
import type { Consumer, Queue } from '../state/records.ts';
import { readDatabase } from '../system/sqlite.ts';

/** Cloudflare's defaults, but for the wait, which is five seconds there: one is what local tools take. */
const CONSUMER_DEFAULTS = { batch_size: 10, max_wait_time_ms: 1000, max_retries: 3, retry_delay: 0 };

/** A JSON binding, so that a change of the queue is a change of its group. */
export function queueSettings(account: Account, name: string): object | undefined {
  const queue = account.queues.get(name);
  return queue && { type: 'json', value: { ...queue.settings, consumer: consumer(account, queue) } };
}

function consumer(account: Account, { consumer, settings }: Queue): object | null {
  if (!consumer || settings.delivery_paused || !account.workers.get(consumer.script_name)?.live) return null;
  const { script_name: worker, dead_letter_queue } = consumer;
  return { ...CONSUMER_DEFAULTS, ...given(consumer), worker, dead_letter_queue };
}

const given = ({ settings }: Consumer): object =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined && value !== null));

/** Whether messages wait for a consumer that is there. */
export function hasMessages(group: string, node: string, resource: object): boolean {
  const { value } = resource as { value: { consumer: object | null } };
  const [file = ''] = piecesOf(node);
  return value.consumer !== null && (readDatabase(path.join(group, file), countMessages) ?? 0) > 0;
}

function countMessages(database: DatabaseSync): number {
  const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'messages'").get();
  return hasTable ? Number(database.prepare('SELECT count(*) AS n FROM messages').get()?.n) : 0;
}
