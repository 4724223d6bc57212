// An instance as Cloudflare's API tells it, out of what the engine keeps.

import {
  ENDS,
  EVENT,
  isFinal,
  type LogRow,
  type Status,
  type Stored,
  type Streamed,
} from './instance_file.ts';

/** The engine itself cuts what it previews there, with these words: Cloudflare documents no number. */
const OUTPUT_SHOWN = 1024;
const CUT = '[truncated output]';

export interface Problem {
  name: string;
  message: string;
}

interface Attempt {
  start: string;
  end: string | null;
  success: boolean | null;
  error: Problem | null;
}

export interface Step {
  type: 'step' | 'sleep' | 'waitForEvent' | 'rollback' | 'termination';
  [detail: string]: unknown;
}

type Rows = LogRow[];

/** What says of an event of the log whose it is. */
type Mark = Pick<LogRow, 'event' | 'group'>;

const find = <T extends Mark>(rows: T[], event: number): T | undefined =>
  rows.find((row) => row.event === event);

export interface Summary {
  status: Status;
  queued: string;
  start: string | null;
  end: string | null;
}

export function summary(stored: Stored): Summary {
  const end = stored.log.findLast((row) => ENDS.includes(row.event));
  return {
    status: statusOf(stored.status, stored.log),
    queued: find(stored.log, EVENT.queued)?.at ?? stored.createdOn,
    start: find(stored.log, EVENT.start)?.at ?? null,
    end: (isFinal(stored.status) && end?.at) || null,
  };
}

/** The engine calls an instance running that Cloudflare calls waiting: it sleeps, or waits for an event or a retry. */
export function statusOf(engine: Status, log: Mark[]): Status {
  if (isFinal(engine)) return engine;
  if (isUndoing(log)) return 'rollingBack';
  if (engine !== 'running') return engine;
  const open = groups(log).filter((rows) => !isOver(rows));
  const isWorking = open.some((rows) => rows.some(startsAttempt) && !awaitsRetry(rows));
  return open.length > 0 && !isWorking ? 'waiting' : 'running';
}

const isUndoing = (log: Mark[]): boolean =>
  find(log, EVENT.rollbackStart) !== undefined &&
  !log.some(({ event }) => event === EVENT.rollbackComplete || event === EVENT.rollbackFailed);

const OVER = [
  EVENT.stepSuccess,
  EVENT.stepFailure,
  EVENT.sleepComplete,
  EVENT.waitComplete,
  EVENT.waitTimedOut,
  EVENT.rollbackStepSuccess,
  EVENT.rollbackStepFailure,
] as readonly number[];

const isOver = (rows: Mark[]): boolean => rows.some((row) => OVER.includes(row.event));
const startsAttempt = (row: Mark): boolean =>
  row.event === EVENT.attemptStart || row.event === EVENT.stepStart;
const awaitsRetry = (rows: Mark[]): boolean => rows.at(-1)?.event === EVENT.attemptFailure;

/** The log rows of each step, in the order in which the steps began. */
export function groups<T extends Mark>(log: T[]): T[][] {
  const byGroup = new Map<string, T[]>();
  for (const row of log) {
    if (row.group === null) continue;
    const rows = byGroup.get(row.group);
    if (rows) rows.push(row);
    else byGroup.set(row.group, [row]);
  }
  return [...byGroup.values()];
}

export function steps(stored: Stored): Step[] {
  const told = groups(stored.log).flatMap((rows) => step(rows, stored) ?? []);
  const isTerminated = find(stored.log, EVENT.terminated) !== undefined;
  return isTerminated ? [...told, { type: 'termination', trigger: { source: 'api' } }] : told;
}

function step(rows: Rows, stored: Stored): Step | undefined {
  const name = rows[0]?.target ?? '';
  const start = rows.find((row) => row.event in BEGIN);
  return start && BEGIN[start.event]?.({ name, start, rows, stored });
}

interface Begun {
  name: string;
  start: LogRow;
  rows: Rows;
  stored: Stored;
}

const BEGIN: Record<number, (begun: Begun) => Step> = {
  [EVENT.stepStart]: (begun) => work(begun, DO),
  [EVENT.rollbackStepStart]: (begun) => work(begun, UNDO),
  [EVENT.sleepStart]: sleep,
  [EVENT.waitStart]: wait,
};

interface Work {
  type: 'step' | 'rollback';
  success: number;
  failure: number;
  attemptStart: number;
  attemptSuccess: number;
  attemptFailure: number;
}

const DO: Work = {
  type: 'step',
  success: EVENT.stepSuccess,
  failure: EVENT.stepFailure,
  attemptStart: EVENT.attemptStart,
  attemptSuccess: EVENT.attemptSuccess,
  attemptFailure: EVENT.attemptFailure,
};

const UNDO: Work = {
  type: 'rollback',
  success: EVENT.rollbackStepSuccess,
  failure: EVENT.rollbackStepFailure,
  attemptStart: EVENT.rollbackAttemptStart,
  attemptSuccess: EVENT.rollbackAttemptSuccess,
  attemptFailure: EVENT.rollbackAttemptFailure,
};

function work({ name, start, rows }: Begun, kind: Work): Step {
  const success = find(rows, kind.success);
  const failure = find(rows, kind.failure);
  return {
    name,
    type: kind.type,
    start: start.at,
    end: (success ?? failure)?.at ?? null,
    success: success ? true : failure ? false : null,
    output: success ? shown(returned(success)) : null,
    config: start.metadata.config,
    attempts: rows
      .filter((row) => row.event === kind.attemptStart)
      .map((row) => attempt(row, attemptEnd(row, rows, kind), kind)),
  };
}

function attemptEnd(start: LogRow, rows: Rows, kind: Work): LogRow | undefined {
  return rows.find(
    ({ id, event, metadata }) =>
      id > start.id &&
      metadata.attempt === start.metadata.attempt &&
      (event === kind.attemptSuccess || event === kind.attemptFailure),
  );
}

function attempt(start: LogRow, end: LogRow | undefined, kind: Work): Attempt {
  return {
    start: start.at,
    end: end?.at ?? null,
    success: end ? end.event === kind.attemptSuccess : null,
    error: end?.event === kind.attemptFailure ? problem(end.metadata.error) : null,
  };
}

/** Cloudflare gives a sleep that is not over the time at which it will be. */
function sleep({ name, start, rows, stored }: Begun): Step {
  const end = find(rows, EVENT.sleepComplete);
  const planned = new Date(start.at).valueOf() + Number(start.metadata.durationMs ?? 0);
  return {
    name,
    type: 'sleep',
    start: start.at,
    end: end?.at ?? alarm(start, stored) ?? new Date(planned).toISOString(),
    finished: end !== undefined,
    error: null,
  };
}

function wait({ name, start, rows, stored }: Begun): Step {
  const complete = find(rows, EVENT.waitComplete);
  const timedOut = find(rows, EVENT.waitTimedOut);
  return {
    name,
    type: 'waitForEvent',
    start: start.at,
    end: (complete ?? timedOut)?.at ?? alarm(start, stored) ?? start.at,
    finished: (complete ?? timedOut) !== undefined,
    error: timedOut ? problem(timedOut.metadata) : null,
    event_type: start.metadata.event,
    output: complete ? shown(complete.metadata) : null,
  };
}

function alarm(start: LogRow, stored: Stored): string | undefined {
  const found = stored.alarms.findLast(({ hash }) => start.group !== null && hash.startsWith(start.group));
  return found && new Date(found.at).toISOString();
}

export function problem(error: unknown): Problem {
  const { name, message } = (error ?? {}) as Partial<Problem>;
  return { name: String(name ?? 'Error'), message: String(message ?? '') };
}

/** Where a step returned a stream. */
export const streamOf = ({ metadata }: LogRow): Streamed | undefined =>
  metadata.streamOutput as Streamed | undefined;

function returned(success: LogRow): unknown {
  const stream = streamOf(success);
  return stream ? `[ReadableStream: ${stream.meta.totalBytes} bytes]` : success.metadata.result;
}

/** Cloudflare's answers hold outputs as text, which is their JSON. */
export const encoded = (value: unknown): string => JSON.stringify(value ?? null);

function shown(value: unknown): string {
  const text = encoded(value);
  return text.length > OUTPUT_SHOWN ? text.slice(0, OUTPUT_SHOWN) + CUT : text;
}

export interface Outcome {
  output: string;
  error: Problem | null;
  success: boolean | null;
  rollback: { outcome: 'complete' | 'failed'; error: Problem | null } | null;
}

export function outcome({ log, status }: Stored): Outcome {
  const success = find(log, EVENT.success);
  const failure = find(log, EVENT.failure);
  return {
    output: success ? encoded(success.metadata.result) : '',
    error: failure ? problem(failure.metadata.error) : null,
    success: success ? true : failure || status === 'terminated' ? false : null,
    rollback: rollback(log),
  };
}

function rollback(log: Rows): Outcome['rollback'] {
  if (find(log, EVENT.rollbackComplete)) return { outcome: 'complete', error: null };
  if (!find(log, EVENT.rollbackFailed)) return null;
  return { outcome: 'failed', error: problem(find(log, EVENT.rollbackStepFailure)?.metadata.error) };
}
