// Passes requests for `<worker>.localhost`, and for hosts of zones that are routed to a Worker, on to the Worker's
// group: method, headers and both bodies as they come.
//
// The path /cdn-cgi/handler/scheduled fires the Worker's `scheduled` handler at once, as it does under `wrangler dev`:
// `cron` is the expression it sees (its first schedule), `time` the time it is for, in milliseconds (now). The answer
// comes when the handler has ended: 200 and "ok", or 500 and what it threw.

import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import type { Groups } from '../groups/groups.ts';
import { type Runtime, StartFailed } from '../groups/runtime.ts';
import { CronFailed, type Scheduler } from '../schedules/scheduler.ts';
import type { Account } from '../state/account.ts';
import type { Target } from './hosts.ts';

const RESERVED = '/cdn-cgi/';
const SCHEDULED = '/cdn-cgi/handler/scheduled';
/** What steers the runtime, which no client may set; and compression, which would hold back streams. */
const DROPPED = /^(mf-.*|x-control(-.*)?|accept-encoding)$/i;

export class WorkerProxy {
  readonly #groups: Groups;
  readonly #scheduler: Scheduler;
  readonly #account: Account;

  constructor(groups: Groups, scheduler: Scheduler, account: Account) {
    this.#groups = groups;
    this.#scheduler = scheduler;
    this.#account = account;
  }

  async request(target: Target, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const worker = target.name;
    const [path, query] = request.url?.split('?', 2) ?? [];
    if (path === SCHEDULED && isOwn(request))
      return say(response, await this.#fire(worker, new URLSearchParams(query)).catch(refusal));
    const used = await this.#enter(target, request).catch(refusal);
    if ('status' in used) return say(response, used);
    response.once('close', used.release);
    const passed = http.request({
      host: '127.0.0.1',
      port: used.runtime.port,
      method: request.method,
      path: request.url,
      headers: headersFor(used.runtime, worker, request),
      agent: false,
    });
    passed.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    passed.once('error', () => (response.headersSent ? response.destroy() : say(response, ENDED)));
    response.once('close', () => passed.destroy());
    request.pipe(passed);
  }

  /** A WebSocket: once the head is passed on, bytes go both ways. */
  async upgrade(target: Target, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const used = await this.#enter(target, request).catch(refusal);
    if ('status' in used) {
      client.end(
        `HTTP/1.1 ${used.status} ${http.STATUS_CODES[used.status]}\r\nconnection: close\r\n\r\n${used.text}`,
      );
      return;
    }
    const server = net.connect(used.runtime.port, '127.0.0.1');
    server.once('close', used.release);
    server.write(headText(used.runtime, target.name, request));
    server.write(head);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.pipe(to);
      from.once('error', () => to.destroy());
      from.once('close', () => to.destroy());
    }
  }

  async #fire(worker: string, asked: URLSearchParams): Promise<Saying> {
    const time = new Date(Number(asked.get('time') ?? Date.now()));
    if (Number.isNaN(time.valueOf())) return { status: 400, text: 'time is a number of milliseconds.\n' };
    if (!(await this.#groups.settled(`worker:${worker}`))?.hasWorker(worker)) return nobody(worker);
    await this.#scheduler.run(worker, asked.get('cron') ?? this.#scheduler.first(worker), time);
    return { status: 200, text: 'ok' };
  }

  async #enter({ name: worker, isOwnHost }: Target, request: IncomingMessage): Promise<Saying | Entered> {
    if (request.url?.startsWith(RESERVED))
      return { status: 404, text: 'This path belongs to the platform.\n' };
    if (isOwnHost && this.#account.workers.get(worker)?.subdomain.enabled === false) return off(worker);
    const used = await this.#groups.acquire(`worker:${worker}`);
    if (used?.group.hasWorker(worker)) return used;
    used?.release();
    return nobody(worker);
  }
}

/** Not sent by a page of another site. */
const isOwn = ({ headers }: IncomingMessage): boolean =>
  ['none', 'same-origin', undefined].includes(headers['sec-fetch-site']?.toString());

const nobody = (worker: string): Saying => ({
  status: 404,
  text: `There is no Worker called "${worker}" here.\n`,
});

const off = (worker: string): Saying => ({
  status: 404,
  text: `The Worker "${worker}" has workers_dev turned off: it answers at its routes and custom domains alone.\n`,
});

type Entered = NonNullable<Awaited<ReturnType<Groups['acquire']>>>;

interface Saying {
  status: number;
  text: string;
}

const ENDED: Saying = { status: 502, text: 'The Worker ended before it answered.\n' };

function refusal(error: unknown): Saying {
  if (error instanceof StartFailed)
    return { status: 500, text: `The Worker does not start: ${error.message}\n` };
  if (error instanceof CronFailed) return { status: 500, text: `${error.message}\n` };
  throw error;
}

function say(response: ServerResponse, { status, text }: Saying): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}

function* headersOf(request: IncomingMessage): Iterable<[string, string]> {
  const raw = request.rawHeaders;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!DROPPED.test(name)) yield [name, raw[at + 1] ?? ''];
  }
}

function* onward(runtime: Runtime, worker: string, request: IncomingMessage): Iterable<[string, string]> {
  yield* headersOf(request);
  yield* Object.entries(runtime.steering);
  yield ['x-control-worker', worker];
}

function headersFor(runtime: Runtime, worker: string, request: IncomingMessage): OutgoingHttpHeaders {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of onward(runtime, worker, request)) {
    const key = name.toLowerCase();
    headers[key] = [...(headers[key] ?? []), value];
  }
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
}

function headText(runtime: Runtime, worker: string, request: IncomingMessage): string {
  const lines = Array.from(onward(runtime, worker, request), ([name, value]) => `${name}: ${value}`);
  return `${request.method} ${request.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
