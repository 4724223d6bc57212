// An instance in the form of Cloudflare's API, from the engine's log.

import {
  END_EVENTS,
  EVENT,
  isFinal,
  type LogRow,
  type Status,
  type StoredInstance,
  type StreamReference,
} from './instance_file.ts';

/** The engine truncates its own previews at this length, with this text; Cloudflare documents no limit. */
const MAX_OUTPUT = 1024;
const TRUNCATED = '[truncated output]';

export interface InstanceError {
  name: string;
  message: string;
}

interface Attempt {
  start: string;
  end: string | null;
  success: boolean | null;
  error: InstanceError | null;
}

export interface Step {
  type: 'step' | 'sleep' | 'waitForEvent' | 'rollback' | 'termination';
  [detail: string]: unknown;
}

type Rows = LogRow[];

/** The columns that are enough to derive the status. */
type EventRow = Pick<LogRow, 'event' | 'group'>;

const find = <T extends EventRow>(rows: T[], event: number): T | undefined =>
  rows.find((row) => row.event === event);

export interface Timing {
  status: Status;
  queued: string;
  start: string | null;
  end: string | null;
}

export function timing(stored: StoredInstance): Timing {
  const end = stored.log.findLast((row) => END_EVENTS.includes(row.event));
  return {
    status: statusOf(stored.status, stored.log),
    queued: find(stored.log, EVENT.queued)?.time ?? stored.createdOn,
    start: find(stored.log, EVENT.start)?.time ?? null,
    end: (isFinal(stored.status) && end?.time) || null,
  };
}

/** The engine has no status for an instance that sleeps or waits for an event or a retry; Cloudflare calls it waiting. */
export function statusOf(engine: Status, log: EventRow[]): Status {
  if (isFinal(engine)) return engine;
  if (isRollingBack(log)) return 'rollingBack';
  if (engine !== 'running') return engine;
  const open = groupBySteps(log).filter((rows) => !hasEnded(rows));
  const isWorking = open.some((rows) => rows.some(startsAttempt) && !awaitsRetry(rows));
  return open.length > 0 && !isWorking ? 'waiting' : 'running';
}

const isRollingBack = (log: EventRow[]): boolean =>
  find(log, EVENT.rollbackStart) !== undefined &&
  !log.some(({ event }) => event === EVENT.rollbackComplete || event === EVENT.rollbackFailed);

const STEP_ENDS = [
  EVENT.stepSuccess,
  EVENT.stepFailure,
  EVENT.sleepComplete,
  EVENT.waitComplete,
  EVENT.waitTimedOut,
  EVENT.rollbackStepSuccess,
  EVENT.rollbackStepFailure,
] as readonly number[];

const hasEnded = (rows: EventRow[]): boolean => rows.some((row) => STEP_ENDS.includes(row.event));
const startsAttempt = (row: EventRow): boolean =>
  row.event === EVENT.attemptStart || row.event === EVENT.stepStart;
const awaitsRetry = (rows: EventRow[]): boolean => rows.at(-1)?.event === EVENT.attemptFailure;

/** The log rows of each step, in the order in which the steps started. */
export function groupBySteps<T extends EventRow>(log: T[]): T[][] {
  const ofSteps = log.filter((row) => row.group !== null);
  return [...Map.groupBy(ofSteps, (row) => row.group).values()];
}

export function steps(stored: StoredInstance): Step[] {
  const steps = groupBySteps(stored.log).flatMap((rows) => toStep(rows, stored) ?? []);
  const isTerminated = find(stored.log, EVENT.terminated) !== undefined;
  return isTerminated ? [...steps, { type: 'termination', trigger: { source: 'api' } }] : steps;
}

function toStep(rows: Rows, stored: StoredInstance): Step | undefined {
  const name = rows[0]?.target ?? '';
  const start = rows.find((row) => row.event in STEP_STARTS);
  return start && STEP_STARTS[start.event]?.({ name, start, rows, stored });
}

interface StartedStep {
  name: string;
  start: LogRow;
  rows: Rows;
  stored: StoredInstance;
}

const STEP_STARTS: Record<number, (step: StartedStep) => Step> = {
  [EVENT.stepStart]: (step) => executedStep(step, STEP_EVENTS),
  [EVENT.rollbackStepStart]: (step) => executedStep(step, ROLLBACK_EVENTS),
  [EVENT.sleepStart]: sleep,
  [EVENT.waitStart]: wait,
};

interface ExecutionEvents {
  type: 'step' | 'rollback';
  success: number;
  failure: number;
  attemptStart: number;
  attemptSuccess: number;
  attemptFailure: number;
}

const STEP_EVENTS: ExecutionEvents = {
  type: 'step',
  success: EVENT.stepSuccess,
  failure: EVENT.stepFailure,
  attemptStart: EVENT.attemptStart,
  attemptSuccess: EVENT.attemptSuccess,
  attemptFailure: EVENT.attemptFailure,
};

const ROLLBACK_EVENTS: ExecutionEvents = {
  type: 'rollback',
  success: EVENT.rollbackStepSuccess,
  failure: EVENT.rollbackStepFailure,
  attemptStart: EVENT.rollbackAttemptStart,
  attemptSuccess: EVENT.rollbackAttemptSuccess,
  attemptFailure: EVENT.rollbackAttemptFailure,
};

function executedStep({ name, start, rows }: StartedStep, events: ExecutionEvents): Step {
  const success = find(rows, events.success);
  const failure = find(rows, events.failure);
  return {
    name,
    type: events.type,
    start: start.time,
    end: (success ?? failure)?.time ?? null,
    success: success ? true : failure ? false : null,
    output: success ? preview(returnValue(success)) : null,
    config: start.metadata.config,
    attempts: rows
      .filter((row) => row.event === events.attemptStart)
      .map((row) => attempt(row, attemptEnd(row, rows, events), events)),
  };
}

function attemptEnd(start: LogRow, rows: Rows, events: ExecutionEvents): LogRow | undefined {
  return rows.find(
    ({ id, event, metadata }) =>
      id > start.id &&
      metadata.attempt === start.metadata.attempt &&
      (event === events.attemptSuccess || event === events.attemptFailure),
  );
}

function attempt(start: LogRow, end: LogRow | undefined, events: ExecutionEvents): Attempt {
  return {
    start: start.time,
    end: end?.time ?? null,
    success: end ? end.event === events.attemptSuccess : null,
    error: end?.event === events.attemptFailure ? toError(end.metadata.error) : null,
  };
}

/** Cloudflare's `end` of a sleep that has not ended is the time when it will. */
function sleep({ name, start, rows, stored }: StartedStep): Step {
  const end = find(rows, EVENT.sleepComplete);
  const planned = new Date(start.time).valueOf() + Number(start.metadata.durationMs ?? 0);
  return {
    name,
    type: 'sleep',
    start: start.time,
    end: end?.time ?? alarmTime(start, stored) ?? new Date(planned).toISOString(),
    finished: end !== undefined,
    error: null,
  };
}

function wait({ name, start, rows, stored }: StartedStep): Step {
  const complete = find(rows, EVENT.waitComplete);
  const timedOut = find(rows, EVENT.waitTimedOut);
  return {
    name,
    type: 'waitForEvent',
    start: start.time,
    end: (complete ?? timedOut)?.time ?? alarmTime(start, stored) ?? start.time,
    finished: (complete ?? timedOut) !== undefined,
    error: timedOut ? toError(timedOut.metadata) : null,
    event_type: start.metadata.event,
    output: complete ? preview(complete.metadata) : null,
  };
}

function alarmTime(start: LogRow, stored: StoredInstance): string | undefined {
  const alarm = stored.alarms.findLast(({ hash }) => start.group !== null && hash.startsWith(start.group));
  return alarm && new Date(alarm.time).toISOString();
}

/** The name of an error that a Worker throws is in its message when it arrives in the engine. */
const LIMIT_ERROR = /^(Workflow(?:Internal|Fatal)?Error): /;

export function toError(error: unknown): InstanceError {
  const { name = 'Error', message = '' } = (error ?? {}) as Partial<InstanceError>;
  const text = String(message);
  const [prefix = '', limitError] = LIMIT_ERROR.exec(text) ?? [];
  return { name: limitError ?? String(name), message: text.slice(prefix.length) };
}

/** Set if the step returned a stream. */
export const streamOf = ({ metadata }: LogRow): StreamReference | undefined =>
  metadata.streamOutput as StreamReference | undefined;

function returnValue(success: LogRow): unknown {
  const stream = streamOf(success);
  return stream ? `[ReadableStream: ${stream.meta.totalBytes} bytes]` : success.metadata.result;
}

/** Cloudflare's API returns outputs as JSON text. */
const encode = (value: unknown): string => JSON.stringify(value ?? null);

function preview(value: unknown): string {
  const text = encode(value);
  return text.length > MAX_OUTPUT ? text.slice(0, MAX_OUTPUT) + TRUNCATED : text;
}

export interface Outcome {
  output: string;
  error: InstanceError | null;
  success: boolean | null;
  rollback: { outcome: 'complete' | 'failed'; error: InstanceError | null } | null;
}

export function outcome({ log, status }: StoredInstance): Outcome {
  const success = find(log, EVENT.success);
  const failure = find(log, EVENT.failure);
  return {
    output: success ? encode(success.metadata.result) : '',
    error: failure ? toError(failure.metadata.error) : null,
    success: success ? true : failure || status === 'terminated' ? false : null,
    rollback: rollback(log),
  };
}

function rollback(log: Rows): Outcome['rollback'] {
  if (find(log, EVENT.rollbackComplete)) return { outcome: 'complete', error: null };
  if (!find(log, EVENT.rollbackFailed)) return null;
  const failure = find(log, EVENT.rollbackStepFailure)?.metadata.error;
  const last = log.findLast(({ event }) => event === EVENT.rollbackAttemptFailure);
  return { outcome: 'failed', error: toError(failure ?? last?.metadata.error) };
}
