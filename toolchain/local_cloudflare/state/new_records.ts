// New records: their ids, times and default settings.

import { randomBytes, randomUUID } from 'node:crypto';
import type { Queue, QueueSettings, Source, Worker } from './records.ts';

const RETENTION_SECONDS = 4 * 86_400;

const QUEUE_DEFAULTS: QueueSettings = {
  delivery_delay: 0,
  delivery_paused: false,
  message_retention_period: RETENTION_SECONDS,
};

/** The user whom all changes are attributed to. */
export const AUTHOR_EMAIL = 'local@localhost';

export const now = (): string => new Date().toISOString();

export const newId = (): string => randomUUID();

/** An id without dashes, as Cloudflare gives to zones, records and consumers. */
export const newHexId = (): string => randomBytes(16).toString('hex');

export function newWorker(name: string, source: Source): Worker {
  const time = now();
  return {
    name,
    tag: newHexId(),
    created_on: time,
    modified_on: time,
    last_deployed_from: source,
    live: '',
    versions: [],
    deployments: [],
    schedules: [],
    settings: {},
    subdomain: { enabled: false, previews_enabled: false },
  };
}

export function newQueue(name: string, settings: Partial<QueueSettings> = {}): Queue {
  const time = now();
  return {
    id: newHexId(),
    name,
    created_on: time,
    modified_on: time,
    settings: { ...QUEUE_DEFAULTS, ...settings },
  };
}
