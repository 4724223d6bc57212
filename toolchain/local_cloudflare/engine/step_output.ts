// The whole output of one step.

import { groups, problem, streamOf } from './details.ts';
import { EVENT, type LogRow, type Stored, type Streamed } from './instance_file.ts';

export interface Asked {
  /** With the counter at its end. */
  name: string;
  type: string;
  /** 0 for the step itself. */
  attempt: number;
}

export interface StepOutput {
  status: 'running' | 'waiting' | 'complete' | 'errored';
  output: unknown;
  error: object | null;
  event_type?: unknown;
  /** What stands for the output of a step that returned a stream. */
  stream?: Streamed;
}

const BEGINS: Record<string, number> = { step: EVENT.stepStart, waitForEvent: EVENT.waitStart };

/** A step that fails for now is running, with its last error. */
export function stepOutput(stored: Stored, asked: Asked): StepOutput | undefined {
  const begins = asked.type ? [BEGINS[asked.type]] : Object.values(BEGINS);
  const rows = groups(stored.log).find(
    (group) => group[0]?.target === asked.name && group.some(({ event }) => begins.includes(event)),
  );
  if (rows === undefined) return undefined;
  if (rows.some(({ event }) => event === EVENT.waitStart)) return waited(rows);
  return asked.attempt > 0 ? tried(rows, asked.attempt) : worked(rows);
}

const find = (rows: LogRow[], event: number): LogRow | undefined =>
  rows.findLast((row) => row.event === event);

function worked(rows: LogRow[]): StepOutput {
  const done = find(rows, EVENT.stepSuccess);
  const failed = find(rows, EVENT.stepFailure);
  const last = failed ?? find(rows, EVENT.attemptFailure);
  const stream = done && streamOf(done);
  return {
    status: done ? 'complete' : failed ? 'errored' : 'running',
    output: done?.metadata.result ?? null,
    error: last && !done ? problem(last.metadata.error) : null,
    ...(stream && { stream }),
  };
}

function tried(rows: LogRow[], attempt: number): StepOutput | undefined {
  const own = rows.filter(({ metadata }) => metadata.attempt === attempt);
  const failed = find(own, EVENT.attemptFailure);
  if (failed) return { status: 'errored', output: null, error: problem(failed.metadata.error) };
  if (find(own, EVENT.attemptSuccess)) return worked(rows);
  return own.length > 0 ? { status: 'running', output: null, error: null } : undefined;
}

function waited(rows: LogRow[]): StepOutput {
  const heard = find(rows, EVENT.waitComplete);
  const timedOut = find(rows, EVENT.waitTimedOut);
  return {
    status: heard ? 'complete' : timedOut ? 'errored' : 'waiting',
    output: heard?.metadata.payload ?? null,
    error: timedOut ? problem(timedOut.metadata.error ?? timedOut.metadata) : null,
    event_type: find(rows, EVENT.waitStart)?.metadata.event,
  };
}
