// Reads a Workflow instance from the SQLite file that Miniflare's Workflows engine keeps for it. This way the API also
// serves groups that are stopped, and no group needs Miniflare's explorer (0.3 s of each start).

import type { DatabaseSync } from 'node:sqlite';
import { deserialize } from 'node:v8';
import { readDatabase } from '../system/sqlite.ts';

/** The numbers that the engine gives to the events in its log. */
export const EVENT = {
  queued: 0,
  start: 1,
  success: 2,
  failure: 3,
  terminated: 4,
  stepStart: 5,
  stepSuccess: 6,
  stepFailure: 7,
  sleepStart: 8,
  sleepComplete: 9,
  attemptStart: 10,
  attemptSuccess: 11,
  attemptFailure: 12,
  waitStart: 14,
  waitComplete: 15,
  waitTimedOut: 16,
  rollbackStart: 17,
  rollbackStepStart: 18,
  rollbackAttemptStart: 19,
  rollbackAttemptSuccess: 20,
  rollbackAttemptFailure: 21,
  rollbackStepSuccess: 22,
  rollbackStepFailure: 23,
  rollbackComplete: 24,
  rollbackFailed: 25,
} as const;

/** The events that end an instance. */
export const END_EVENTS: readonly number[] = [EVENT.success, EVENT.failure, EVENT.terminated];

const STATUSES = [
  'queued',
  'running',
  'paused',
  'errored',
  'terminated',
  'complete',
  'waitingForPause',
  'waiting',
] as const;

/** The engine has no status for an instance that is rolling back. */
export type Status = (typeof STATUSES)[number] | 'rollingBack';

const FINAL: readonly Status[] = ['complete', 'errored', 'terminated'];

export const isFinal = (status: Status): boolean => FINAL.includes(status);

export interface LogRow {
  id: number;
  time: string;
  event: number;
  group: string | null;
  target: string | null;
  metadata: Record<string, unknown>;
}

export interface Alarm {
  hash: string;
  time: number;
}

export interface StoredInstance extends Head {
  log: LogRow[];
  /** When sleeps, retries and waits end; newest last. */
  alarms: Alarm[];
}

export interface InstanceSummary {
  id: string;
  /** The engine's status; `status` is Cloudflare's. */
  engine: Status;
  status: Status;
  createdOn: string;
  start: string | null;
  end: string | null;
  modified: string;
  schedule?: CronSchedule;
  retention?: OwnRetention;
  /** When the first of its waits ends, in milliseconds, if it waits and needs no process until then. */
  wakesAt?: number;
}

/** Run `read` on a snapshot of an instance's file; undefined if the file holds no instance. */
export function readInstance<T>(file: string, read: (database: DatabaseSync) => T): T | undefined {
  return readDatabase(file, (database) => {
    database.exec('BEGIN');
    return isEngine(database) ? read(database) : undefined;
  });
}

/** Looking up an instance that does not exist, or deleting one, leaves a file without the engine's tables. */
function isEngine(database: DatabaseSync): boolean {
  const tables = "SELECT count(*) AS n FROM sqlite_master WHERE name IN ('_cf_KV', 'states')";
  return database.prepare(tables).get()?.n === 2;
}

/** The cron expression that created an instance, and when it did, in milliseconds. */
export interface CronSchedule {
  cron: string;
  scheduledTime: number;
}

/** How long an ended instance is kept, in milliseconds, if it does not follow its Workflow; see workflow_limits/binding.js. */
export interface OwnRetention {
  success?: number;
  error?: number;
}

interface Metadata {
  instance: { id: string; created_on: string };
  event: { payload: unknown; schedule?: CronSchedule };
}

export interface Head {
  id: string;
  status: Status;
  createdOn: string;
  params: unknown;
  schedule?: CronSchedule;
  retention?: OwnRetention;
  wakesAt?: number;
}

export function readHead(database: DatabaseSync): Head | undefined {
  const metadata = value(database, 'INSTANCE_METADATA') as Metadata | undefined;
  if (metadata === undefined) return undefined;
  const { payload, schedule } = metadata.event;
  const retention = value(database, 'LOCAL_CLOUDFLARE_RETENTION') as OwnRetention | undefined;
  const status = STATUSES[Number(value(database, 'ENGINE_STATUS') ?? 0)] ?? 'queued';
  const wakesAt =
    status === 'running' || status === 'waiting' ? value(database, 'LOCAL_CLOUDFLARE_WAITS') : undefined;
  return {
    id: metadata.instance.id,
    status,
    createdOn: metadata.instance.created_on,
    params: payload,
    ...(schedule && { schedule }),
    ...(retention && { retention }),
    ...(typeof wakesAt === 'number' && { wakesAt }),
  };
}

export function readAll(database: DatabaseSync): StoredInstance | undefined {
  const head = readHead(database);
  return head && { ...head, log: readLog(database), alarms: readAlarms(database) };
}

function value(database: DatabaseSync, key: string): unknown {
  const row = database.prepare('SELECT value FROM _cf_KV WHERE key = ?').get(key);
  return row === undefined ? undefined : deserialize(row.value as Uint8Array);
}

export const timeOf = (timestamp: unknown): string => `${String(timestamp).replace(' ', 'T')}Z`;

function readLog(database: DatabaseSync): LogRow[] {
  const rows = database.prepare(
    'SELECT id, timestamp, event, groupKey, target, metadata FROM states ORDER BY id',
  );
  return rows.all().map((row) => ({
    id: Number(row.id),
    time: timeOf(row.timestamp),
    event: Number(row.event),
    group: row.groupKey as string | null,
    target: row.target as string | null,
    metadata: JSON.parse(String(row.metadata ?? '{}')) ?? {},
  }));
}

function readAlarms(database: DatabaseSync): Alarm[] {
  const rows = database.prepare(
    'SELECT hash, target_timestamp FROM priority_queue WHERE action = 1 ORDER BY id',
  );
  return rows.all().map((row) => ({ hash: String(row.hash), time: Number(row.target_timestamp) }));
}

export interface StreamReference {
  cacheKey: string;
  meta: { attempt: number; totalBytes: number };
}

/** The bytes of a stream that a step returned; the engine keeps them in chunks next to the log. */
export function readStream(database: DatabaseSync, { cacheKey, meta }: StreamReference): Uint8Array {
  const chunks = database.prepare(
    'SELECT chunk FROM streaming_step_chunks WHERE cache_key = ? AND attempt = ? ORDER BY chunk_index',
  );
  return Buffer.concat(chunks.all(cacheKey, meta.attempt).map(({ chunk }) => chunk as Uint8Array));
}
