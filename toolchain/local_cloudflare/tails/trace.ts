// The events of one invocation of a Worker, in the form that Cloudflare sends to listeners.

const TRUNCATED_AT = 256 * 1024;
/** The same pattern as Cloudflare's. */
const PRIVATE_HEADER = /auth|key|secret|token|jwt|^(set-)?cookie$/i;
const REDACTED = 'REDACTED';

interface Info {
  type: string;
  method?: string;
  url?: string;
  headers?: { name: string; value: string }[];
  cron?: string;
  scheduledTime?: string;
  queueName?: string;
  batchSize?: number;
}

interface Head {
  at: number;
  entrypoint?: string;
  version?: string;
  model?: string;
  /** The method of a call between Workers, or of the engine to a Workflow. */
  method?: string;
  info?: Info;
}

/** A message from the control Worker. */
export interface TailMessage {
  kind: 'log' | 'exception' | 'return' | 'outcome';
  worker: string;
  invocation: string;
  /** Only in the first message that someone listens to. */
  head?: Head;
  at?: number;
  level?: string;
  message?: unknown;
  name?: string;
  stack?: string;
  status?: number;
  outcome?: string;
  cpuTime?: number;
  wallTime?: number;
}

interface Log {
  level: string;
  message: unknown[];
  timestamp: number;
}

interface Exception {
  name: string;
  message: string;
  timestamp: number;
  stack?: string;
}

export interface TraceEvent {
  outcome: string;
  scriptName: string;
  exceptions: Exception[];
  logs: Log[];
  eventTimestamp: number;
  event: Record<string, unknown> | null;
  /** The invocation continues, and more events follow. */
  open?: boolean;
  [detail: string]: unknown;
}

export class Trace {
  readonly worker: string;
  #head: Head;
  #logs: Log[] = [];
  #exceptions: Exception[] = [];
  #status: number | undefined;
  #size = 0;
  #isTruncated = false;
  /** The time of the oldest entry that was not sent yet. */
  waitingSince: number | undefined;

  constructor({ worker, head }: TailMessage) {
    this.worker = worker;
    this.#head = head ?? { at: Date.now() };
  }

  add(message: TailMessage): void {
    if (message.kind === 'return') this.#status = message.status ?? this.#status;
    if (message.kind === 'log') this.#store(message, () => this.#logs.push(toLog(message)));
    if (message.kind === 'exception') this.#store(message, () => this.#exceptions.push(toException(message)));
  }

  #store(message: TailMessage, store: () => void): void {
    this.#size += JSON.stringify(message).length;
    if (this.#size > TRUNCATED_AT) this.#isTruncated = true;
    else store();
    this.waitingSince ??= Date.now();
  }

  /** Return what was not sent yet. While the invocation continues, the outcome is the one so far. */
  take(end?: TailMessage): TraceEvent {
    const { at, entrypoint, version, model } = this.#head;
    const soFar = this.#exceptions.length > 0 ? 'exception' : 'ok';
    const event: TraceEvent = {
      outcome: end?.outcome ?? soFar,
      scriptName: this.worker,
      ...(version && { scriptVersion: { id: version } }),
      ...(entrypoint && { entrypoint }),
      executionModel: model ?? 'stateless',
      diagnosticsChannelEvents: [],
      exceptions: this.#exceptions,
      logs: this.#logs,
      eventTimestamp: at,
      event: toEvent(this.#head, this.#status),
      truncated: this.#isTruncated,
      cpuTime: end?.cpuTime ?? 0,
      wallTime: (end?.at ?? Date.now()) - at,
      ...(!end && { open: true }),
    };
    this.#logs = [];
    this.#exceptions = [];
    this.#size = 0;
    this.#isTruncated = false;
    this.waitingSince = undefined;
    return event;
  }
}

function toLog({ level, message, at }: TailMessage): Log {
  return {
    level: level ?? 'log',
    message: Array.isArray(message) ? message : [message],
    timestamp: at ?? Date.now(),
  };
}

function toException({ name, message, stack, at }: TailMessage): Exception {
  return { name: name ?? 'Error', message: String(message ?? ''), timestamp: at ?? Date.now(), stack };
}

function toEvent({ info, method }: Head, status: number | undefined): Record<string, unknown> | null {
  switch (info?.type) {
    case 'fetch':
      return { request: toRequest(info), ...(status !== undefined && { response: { status } }) };
    case 'scheduled':
      return { cron: info.cron, scheduledTime: Date.parse(info.scheduledTime ?? '') };
    case 'alarm':
      return { scheduledTime: Date.parse(info.scheduledTime ?? '') };
    case 'queue':
      return { queue: info.queueName, batchSize: info.batchSize };
    case 'jsrpc':
      return { rpcMethod: method ?? '' };
    default:
      return null;
  }
}

function toRequest({ url, method, headers = [] }: Info): object {
  const redacted = headers.map(({ name, value }) => [name, PRIVATE_HEADER.test(name) ? REDACTED : value]);
  return { url, method, headers: Object.fromEntries(redacted), cf: {} };
}
