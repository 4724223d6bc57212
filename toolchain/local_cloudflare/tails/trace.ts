// What one invocation of a Worker printed, as Cloudflare tells it to those who listen.

const TRUNCATED_AT = 256 * 1024;
/** As at Cloudflare, whose words these are. */
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
  /** Of a call between Workers, and of the engine's to a Workflow. */
  method?: string;
  info?: Info;
}

/** A piece of news from the control Worker. */
export interface Said {
  kind: 'log' | 'exception' | 'return' | 'outcome';
  worker: string;
  invocation: string;
  /** With the first piece that anyone hears. */
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
  /** More of the same invocation follows: it goes on. */
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
  /** Since when something waits to be told. */
  waitingSince: number | undefined;

  constructor({ worker, head }: Said) {
    this.worker = worker;
    this.#head = head ?? { at: Date.now() };
  }

  add(said: Said): void {
    if (said.kind === 'return') this.#status = said.status ?? this.#status;
    if (said.kind === 'log') this.#keep(said, () => this.#logs.push(logOf(said)));
    if (said.kind === 'exception') this.#keep(said, () => this.#exceptions.push(exceptionOf(said)));
  }

  #keep(said: Said, keep: () => void): void {
    this.#size += JSON.stringify(said).length;
    if (this.#size > TRUNCATED_AT) this.#isTruncated = true;
    else keep();
    this.waitingSince ??= Date.now();
  }

  /** What was not told yet. An invocation that goes on has its outcome so far. */
  take(end?: Said): TraceEvent {
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
      event: eventOf(this.#head, this.#status),
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

function logOf({ level, message, at }: Said): Log {
  return {
    level: level ?? 'log',
    message: Array.isArray(message) ? message : [message],
    timestamp: at ?? Date.now(),
  };
}

function exceptionOf({ name, message, stack, at }: Said): Exception {
  return { name: name ?? 'Error', message: String(message ?? ''), timestamp: at ?? Date.now(), stack };
}

function eventOf({ info, method }: Head, status: number | undefined): Record<string, unknown> | null {
  switch (info?.type) {
    case 'fetch':
      return { request: requestOf(info), ...(status !== undefined && { response: { status } }) };
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

function requestOf({ url, method, headers = [] }: Info): object {
  const told = headers.map(({ name, value }) => [name, PRIVATE_HEADER.test(name) ? REDACTED : value]);
  return { url, method, headers: Object.fromEntries(told), cf: {} };
}
