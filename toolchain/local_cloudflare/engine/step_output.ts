// The full output of one step.

import { groupBySteps, streamOf, toError } from './details.ts';
import { EVENT, type LogRow, type StoredInstance, type StreamReference } from './instance_file.ts';

export interface StepQuery {
  /** Including the counter that the engine appends. */
  name: string;
  type: string;
  /** 0 means the step itself. */
  attempt: number;
}

export interface StepOutput {
  status: 'running' | 'waiting' | 'complete' | 'errored';
  output: unknown;
  error: object | null;
  event_type?: unknown;
  /** Where the output is, if the step returned a stream. */
  stream?: StreamReference;
}

const STARTS: Record<string, number> = { step: EVENT.stepStart, waitForEvent: EVENT.waitStart };

/** A step that will be retried is running, and has the error of its last attempt. */
export function stepOutput(stored: StoredInstance, query: StepQuery): StepOutput | undefined {
  const starts = query.type ? [STARTS[query.type]] : Object.values(STARTS);
  const rows = groupBySteps(stored.log).find(
    (step) => step[0]?.target === query.name && step.some(({ event }) => starts.includes(event)),
  );
  if (rows === undefined) return undefined;
  if (rows.some(({ event }) => event === EVENT.waitStart)) return waitOutput(rows);
  return query.attempt > 0 ? attemptOutput(rows, query.attempt) : executionOutput(rows);
}

const find = (rows: LogRow[], event: number): LogRow | undefined =>
  rows.findLast((row) => row.event === event);

function executionOutput(rows: LogRow[]): StepOutput {
  const success = find(rows, EVENT.stepSuccess);
  const failure = find(rows, EVENT.stepFailure);
  const lastFailure = failure ?? find(rows, EVENT.attemptFailure);
  const stream = success && streamOf(success);
  return {
    status: success ? 'complete' : failure ? 'errored' : 'running',
    output: success?.metadata.result ?? null,
    error: lastFailure && !success ? toError(lastFailure.metadata.error) : null,
    ...(stream && { stream }),
  };
}

function attemptOutput(rows: LogRow[], attempt: number): StepOutput | undefined {
  const own = rows.filter(({ metadata }) => metadata.attempt === attempt);
  const failure = find(own, EVENT.attemptFailure);
  if (failure) return { status: 'errored', output: null, error: toError(failure.metadata.error) };
  if (find(own, EVENT.attemptSuccess)) return executionOutput(rows);
  return own.length > 0 ? { status: 'running', output: null, error: null } : undefined;
}

function waitOutput(rows: LogRow[]): StepOutput {
  const received = find(rows, EVENT.waitComplete);
  const timedOut = find(rows, EVENT.waitTimedOut);
  return {
    status: received ? 'complete' : timedOut ? 'errored' : 'waiting',
    output: received?.metadata.payload ?? null,
    error: timedOut ? toError(timedOut.metadata.error ?? timedOut.metadata) : null,
    event_type: find(rows, EVENT.waitStart)?.metadata.event,
  };
}
