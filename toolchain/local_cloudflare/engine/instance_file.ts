// Reads the instances of Workflows from the SQLite files that Miniflare's Workflows engine keeps, one for each
// instance. So the API answers for groups that are stopped, and no group carries an explorer (0.3 s of each start).

import type { DatabaseSync } from 'node:sqlite';
import { deserialize } from 'node:v8';
import { readDatabase } from '../system/sqlite.ts';

/** The engine's own numbers. */
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

/** What ends an instance. */
export const ENDS: readonly number[] = [EVENT.success, EVENT.failure, EVENT.terminated];

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

/** The engine knows no status for an instance that undoes its steps. */
export type Status = (typeof STATUSES)[number] | 'rollingBack';

const FINAL: readonly Status[] = ['complete', 'errored', 'terminated'];

export const isFinal = (status: Status): boolean => FINAL.includes(status);

export interface LogRow {
  id: number;
  at: string;
  event: number;
  group: string | null;
  target: string | null;
  metadata: Record<string, unknown>;
}

export interface Alarm {
  hash: string;
  at: number;
}

export interface Stored {
  id: string;
  status: Status;
  createdOn: string;
  params: unknown;
  log: LogRow[];
  /** When sleeps, retries and waits end, newest last. */
  alarms: Alarm[];
}

export interface Outline {
  id: string;
  /** What the engine calls it; `status` is what Cloudflare does. */
  engine: Status;
  status: Status;
  createdOn: string;
  start: string | null;
  end: string | null;
  modified: string;
}

/** Run on the engine's file of one instance, which stays as it is meanwhile; undefined where it holds none. */
export function within<T>(file: string, work: (database: DatabaseSync) => T): T | undefined {
  return readDatabase(file, (database) => {
    database.exec('BEGIN');
    return isEngine(database) ? work(database) : undefined;
  });
}

/** An instance that was only asked for, or was deleted, leaves a file without the engine's tables or records. */
function isEngine(database: DatabaseSync): boolean {
  const tables = "SELECT count(*) AS n FROM sqlite_master WHERE name IN ('_cf_KV', 'states')";
  return database.prepare(tables).get()?.n === 2;
}

interface Metadata {
  instance: { id: string; created_on: string };
  event: { payload: unknown };
}

export interface Head {
  id: string;
  status: Status;
  createdOn: string;
  params: unknown;
}

export function readHead(database: DatabaseSync): Head | undefined {
  const metadata = value(database, 'INSTANCE_METADATA') as Metadata | undefined;
  return (
    metadata && {
      id: metadata.instance.id,
      status: STATUSES[Number(value(database, 'ENGINE_STATUS') ?? 0)] ?? 'queued',
      createdOn: metadata.instance.created_on,
      params: metadata.event.payload,
    }
  );
}

export function readWhole(database: DatabaseSync): Stored | undefined {
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
    at: timeOf(row.timestamp),
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
  return rows.all().map((row) => ({ hash: String(row.hash), at: Number(row.target_timestamp) }));
}

export interface Streamed {
  cacheKey: string;
  meta: { attempt: number; totalBytes: number };
}

/** What a step returned as a stream: the engine keeps it beside the log, in pieces. */
export function readStream(database: DatabaseSync, { cacheKey, meta }: Streamed): Uint8Array {
  const chunks = database.prepare(
    'SELECT chunk FROM streaming_step_chunks WHERE cache_key = ? AND attempt = ? ORDER BY chunk_index',
  );
  return Buffer.concat(chunks.all(cacheKey, meta.attempt).map(({ chunk }) => chunk as Uint8Array));
}
