// An instance as Cloudflare's API tells it, out of what the engine keeps.

import { EVENT, type LogRow, type Status, type Stored } from './engine.ts';

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
  name: string;
  type: 'step' | 'sleep' | 'waitForEvent';
  start: string;
  end: string | null;
  [detail: string]: unknown;
}

type Rows = LogRow[];

const find = (rows: Rows, event: number): LogRow | undefined => rows.find((row) => row.event === event);

const QUEUE_TIME = [EVENT.success, EVENT.failure, EVENT.terminated];

export interface Summary {
  status: Status;
  queued: string;
  start: string | null;
  end: string | null;
  modified: string;
}

export function summary(stored: Stored): Summary {
  const end = stored.log.find((row) => QUEUE_TIME.some((event) => event === row.event));
  return {
    status: statusOf(stored),
    queued: find(stored.log, EVENT.queued)?.at ?? stored.createdOn,
    start: find(stored.log, EVENT.start)?.at ?? null,
    end: end?.at ?? null,
    modified: stored.log.at(-1)?.at ?? stored.createdOn,
  };
}

/** The engine calls an instance running that Cloudflare calls waiting: it sleeps, or waits for an event or a retry. */
function statusOf(stored: Stored): Status {
  if (stored.status !== 'running') return stored.status;
  const open = groups(stored.log).filter((rows) => !isOver(rows));
  const isWorking = open.some((rows) => rows.some(startsAttempt) && !awaitsRetry(rows));
  return open.length > 0 && !isWorking ? 'waiting' : 'running';
}

const ENDS = [
  EVENT.stepSuccess,
  EVENT.stepFailure,
  EVENT.sleepComplete,
  EVENT.waitComplete,
  EVENT.waitTimedOut,
] as readonly number[];

const isOver = (rows: Rows): boolean => rows.some((row) => ENDS.includes(row.event));
const startsAttempt = (row: LogRow): boolean =>
  row.event === EVENT.attemptStart || row.event === EVENT.stepStart;
const awaitsRetry = (rows: Rows): boolean => rows.at(-1)?.event === EVENT.attemptFailure;

/** The log rows of each step, in the order in which the steps began. */
function groups(log: Rows): Rows[] {
  const byGroup = new Map<string, Rows>();
  for (const row of log) {
    if (row.group === null) continue;
    const rows = byGroup.get(row.group);
    if (rows) rows.push(row);
    else byGroup.set(row.group, [row]);
  }
  return [...byGroup.values()];
}

export function steps(stored: Stored): Step[] {
  return groups(stored.log).flatMap((rows) => step(rows, stored) ?? []);
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
  [EVENT.stepStart]: work,
  [EVENT.sleepStart]: sleep,
  [EVENT.waitStart]: wait,
};

function work({ name, start, rows }: Begun): Step {
  const success = find(rows, EVENT.stepSuccess);
  const failure = find(rows, EVENT.stepFailure);
  return {
    name,
    type: 'step',
    start: start.at,
    end: (success ?? failure)?.at ?? null,
    success: success ? true : failure ? false : null,
    output: success ? encoded(success.metadata.result) : null,
    config: start.metadata.config,
    attempts: rows.filter((row) => row.event === EVENT.attemptStart).map((row) => attempt(row, rows)),
  };
}

function attempt(start: LogRow, rows: Rows): Attempt {
  const same = (event: number) =>
    rows.find(
      (row) => row.event === event && row.metadata.attempt === start.metadata.attempt && row.id > start.id,
    );
  const success = same(EVENT.attemptSuccess);
  const failure = same(EVENT.attemptFailure);
  return {
    start: start.at,
    end: (success ?? failure)?.at ?? null,
    success: success ? true : failure ? false : null,
    error: failure ? problem(failure.metadata.error) : null,
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
    output: complete ? encoded(complete.metadata) : null,
  };
}

function alarm(start: LogRow, stored: Stored): string | undefined {
  const found = stored.alarms.findLast(({ hash }) => start.group !== null && hash.startsWith(start.group));
  return found && new Date(found.at).toISOString();
}

function problem(error: unknown): Problem {
  const { name, message } = (error ?? {}) as Partial<Problem>;
  return { name: String(name ?? 'Error'), message: String(message ?? '') };
}

/** Cloudflare's answers hold outputs as text, which is their JSON. */
export const encoded = (value: unknown): string => JSON.stringify(value ?? null);

export function outcome(stored: Stored): { output: string; error: Problem | null; success: boolean | null } {
  const success = find(stored.log, EVENT.success);
  const failure = find(stored.log, EVENT.failure);
  return {
    output: success ? encoded(success.metadata.result) : '',
    error: failure ? problem(failure.metadata.error) : null,
    success: success ? true : failure || find(stored.log, EVENT.terminated) ? false : null,
  };
}

/** The whole output of one step; `attempt` 0 stands for the step itself. */
export function stepOutput(stored: Stored, name: string): object | undefined {
  const rows = groups(stored.log).find((group) => group[0]?.target === name);
  if (rows === undefined) return undefined;
  const done = find(rows, EVENT.stepSuccess) ?? find(rows, EVENT.waitComplete);
  const failed = find(rows, EVENT.stepFailure) ?? find(rows, EVENT.waitTimedOut);
  const waits = find(rows, EVENT.waitStart);
  return {
    status: done ? 'complete' : failed ? 'errored' : awaitsRetry(rows) || waits ? 'waiting' : 'running',
    output: done ? (waits ? done.metadata.payload : done.metadata.result) : null,
    error: failed ? problem(failed.metadata.error ?? failed.metadata) : null,
    ...(waits ? { event_type: waits.metadata.event } : {}),
  };
}
