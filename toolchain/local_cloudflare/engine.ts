// Reads the instances of Workflows from the SQLite files that Miniflare's Workflows engine keeps, one for each
// instance. So the API answers for groups that are stopped, and no group carries an explorer (0.3 s of each start).

import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deserialize } from 'node:v8';
import { isMissing, names } from './files.ts';
import { objectId, workflowKey } from './layout.ts';

const BUSY_MILLISECONDS = 2000;
/** The byte of SQLite's header that names the journal, and its value for a write-ahead log. */
const HEADER_BYTES = 100;
const WRITE_VERSION = 18;
const WRITE_AHEAD = 2;
const NO_ALARMS = 'metadata.sqlite';
/** A list needs no outputs, which may be a megabyte each. */
const OUTLINE = 'id, timestamp, event, groupKey, target';
const WHOLE = `${OUTLINE}, metadata`;

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
} as const;

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

export type Status = (typeof STATUSES)[number];

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

/** Every instance in the folder of a Workflow; `finals` is what is known to change no more. */
export function readAll(folder: string, finals: Map<string, Stored>): Stored[] {
  const files = names(folder).filter((name) => name.endsWith('.sqlite') && name !== NO_ALARMS);
  return files.flatMap((name) => {
    const file = path.join(folder, name);
    const known = finals.get(file);
    if (known && isSame(file, known)) return [known];
    const stored = readFile(file, OUTLINE);
    if (stored && isFinal(stored.status)) finals.set(file, mark(file, stored));
    else finals.delete(file);
    return stored ? [stored] : [];
  });
}

export function readOne(folder: string, workflow: string, id: string): Stored | undefined {
  const file = path.join(folder, `${objectId(workflowKey(workflow), id)}.sqlite`);
  return readFile(file, WHOLE);
}

const seen = new WeakMap<Stored, string>();

/** A restarted instance writes to its files again. */
function stamp(file: string): string {
  return [file, `${file}-wal`]
    .map((name) => fs.statSync(name, { throwIfNoEntry: false }))
    .map((stat) => `${stat?.mtimeMs}:${stat?.size}`)
    .join();
}

function mark(file: string, stored: Stored): Stored {
  seen.set(stored, stamp(file));
  return stored;
}

const isSame = (file: string, stored: Stored): boolean => seen.get(stored) === stamp(file);

function readFile(file: string, columns: string): Stored | undefined {
  if (!isReadable(file)) return undefined;
  const database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MILLISECONDS });
  try {
    database.exec('BEGIN');
    return isEngine(database) ? read(database, columns) : undefined;
  } finally {
    database.close();
  }
}

/**
 * Until workerd has switched a new file to SQLite's write-ahead log, which the file's header says, a reader could
 * stand in its way; afterwards readers and the writer never wait for each other.
 */
export function isReadable(file: string): boolean {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return (
      fs.readSync(handle, header, 0, HEADER_BYTES, 0) === HEADER_BYTES &&
      header[WRITE_VERSION] === WRITE_AHEAD
    );
  } finally {
    fs.closeSync(handle);
  }
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

function read(database: DatabaseSync, columns: string): Stored | undefined {
  const metadata = value(database, 'INSTANCE_METADATA') as Metadata | undefined;
  if (metadata === undefined) return undefined;
  return {
    id: metadata.instance.id,
    status: STATUSES[Number(value(database, 'ENGINE_STATUS') ?? 0)] ?? 'queued',
    createdOn: metadata.instance.created_on,
    params: metadata.event.payload,
    log: readLog(database, columns),
    alarms: readAlarms(database),
  };
}

function value(database: DatabaseSync, key: string): unknown {
  const row = database.prepare('SELECT value FROM _cf_KV WHERE key = ?').get(key);
  return row === undefined ? undefined : deserialize(row.value as Uint8Array);
}

function readLog(database: DatabaseSync, columns: string): LogRow[] {
  const rows = database.prepare(`SELECT ${columns} FROM states ORDER BY id`);
  return rows.all().map((row) => ({
    id: Number(row.id),
    at: `${String(row.timestamp).replace(' ', 'T')}Z`,
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
