// Forwards requests for `<worker>.localhost`, and for hosts of zones that a Worker serves, to the Worker's group. Bodies
// are streamed in both directions.
//
// As under `wrangler dev`, /cdn-cgi/handler/scheduled runs the Worker's `scheduled` handler immediately. Parameters: `cron`
// (default: the Worker's first expression) and `time` in milliseconds (default: now). The response, once the handler has
// ended, is 200 and "ok", or 500 and the error.

import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Groups, Lease } from '../groups/groups.ts';
import { ExceededCpu, type Runtime, StartError } from '../groups/runtime.ts';
import { ApiError } from '../http/errors.ts';
import { ScheduledHandlerError, type Scheduler } from '../schedules/scheduler.ts';
import type { Account } from '../state/account.ts';
import { hasPreviews, runPreview } from '../workers/previews.ts';
import { chooseVersion, type Preview, previewAt } from '../workers/versions.ts';
import { pathOf, type Target } from './hosts.ts';

const RESERVED = '/cdn-cgi/';
const SCHEDULED = '/cdn-cgi/handler/scheduled';
/** Headers that control the runtime, which clients must not set; and compression, which would delay streams. */
const DROPPED = /^(mf-.*|x-control(-.*)?|accept-encoding)$/i;
/** Bytes that a socket takes in one piece. */
const MAX_SHORT_BODY = 128 * 1024;
/** AwaitStep's own cookies: browsers ignore the port, so they send them to Workers on the same host. */
const PRIVATE_COOKIE = /^\s*awaitstep_/i;

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
    if (path === SCHEDULED && isSameSite(request))
      return respond(response, await this.#fire(worker, new URLSearchParams(query)).catch(toErrorResponse));
    const found = await this.#acquire(target, request).catch(toErrorResponse);
    if ('status' in found) return respond(response, found);
    const { lease, name } = found;
    if (response.closed) return lease.release(); // the client has left while the group started
    response.once('close', lease.release);
    const body = await shortBody(request).catch(() => undefined);
    if (response.closed) return;
    const forwarded = http.request({
      socketPath: lease.runtime.socketPath,
      method: request.method,
      path: request.url,
      headers: headersFor(lease.runtime, name, request),
      agent: false,
    });
    forwarded.once('response', (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.statusMessage, reply.rawHeaders);
      reply.pipe(response);
      reply.once('error', () => response.destroy());
    });
    forwarded.once('error', () => {
      const reason = lease.runtime.exceededCpu ? EXCEEDED_CPU : ENDED;
      return response.headersSent ? response.destroy() : respond(response, reason);
    });
    response.once('close', () => forwarded.destroy());
    if (body) forwarded.end(body);
    else request.pipe(forwarded);
  }

  /**
   * Forward a request for a WebSocket, and bytes in both directions once the Worker has opened it. Otherwise the client
   * would have a connection to the runtime, and could send requests on it with headers that control the runtime.
   */
  async upgrade(target: Target, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const found = await this.#acquire(target, request).catch(toErrorResponse);
    if ('status' in found) {
      const { status, text } = found;
      client.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nconnection: close\r\n\r\n${text}`);
      return;
    }
    const { lease, name } = found;
    if (client.destroyed || hasBody(request)) {
      client.destroy();
      return lease.release();
    }
    const forwarded = http.request({
      socketPath: lease.runtime.socketPath,
      method: request.method,
      path: request.url,
      headers: headersFor(lease.runtime, name, request),
      agent: false,
    });
    client.once('close', () => {
      forwarded.destroy();
      lease.release();
    });
    forwarded.once('upgrade', (reply, server: Duplex, first) => {
      client.write(headText(reply, reply.rawHeaders));
      client.write(first);
      server.write(head);
      connect(client, server);
    });
    forwarded.once('response', (reply) => {
      client.write(headText(reply, [...withoutConnection(reply.rawHeaders), 'connection', 'close']));
      reply.pipe(client);
      reply.once('error', () => client.destroy());
    });
    forwarded.once('error', () => client.destroy());
    client.once('error', () => client.destroy());
    forwarded.end();
  }

  async #fire(worker: string, query: URLSearchParams): Promise<TextResponse> {
    const time = new Date(Number(query.get('time') ?? Date.now()));
    if (Number.isNaN(time.valueOf()))
      return { status: 400, text: 'time must be a number of milliseconds.\n' };
    if (!(await this.#groups.whenSettled(`worker:${worker}`))?.hasWorker(worker)) return noSuchWorker(worker);
    await this.#scheduler.run(worker, query.get('cron') ?? this.#scheduler.firstCron(worker), time);
    return { status: 200, text: 'ok' };
  }

  async #acquire({ name, isOwnHost }: Target, request: IncomingMessage): Promise<TextResponse | Running> {
    if (pathOf(request.url ?? '').startsWith(RESERVED))
      return { status: 404, text: 'This path is reserved for the platform.\n' };
    const worker = this.#account.workers.get(name);
    const preview = isOwnHost && !worker ? previewAt(this.#account, name) : undefined;
    if (preview) return this.#acquirePreview(preview);
    if (isOwnHost && worker?.subdomain.enabled === false) return workersDevDisabled(name);
    return this.#run(name, () => {
      const current = this.#account.workers.get(name);
      return current ? chooseVersion(this.#account, current, request.headers) : name;
    });
  }

  async #acquirePreview({ worker, version, name }: Preview): Promise<TextResponse | Running> {
    if (!hasPreviews(worker)) return previewsDisabled(worker.name);
    if (!this.#account.shares(worker).some(({ version_id }) => version_id === version.id))
      await runPreview({ account: this.#account, groups: this.#groups }, worker.name, version.id);
    return this.#run(worker.name, () => name);
  }

  /** The version is chosen once the group runs, because of deployments in the meantime. */
  async #run(worker: string, choose: () => string): Promise<TextResponse | Running> {
    const lease = await this.#groups.acquire(`worker:${worker}`);
    const name = choose();
    if (lease?.group.hasWorker(name)) return { lease, name };
    lease?.release();
    return noSuchWorker(worker);
  }
}

/**
 * The body, if it is short and its length is known. It is sent together with the head: if a Worker responds without
 * reading the body, the runtime closes the connection, and the response would be lost if the body came later.
 */
async function shortBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const length = Number(request.headers['content-length']);
  return length > 0 && length <= MAX_SHORT_BODY ? buffer(request) : undefined;
}

/** Whether the request does not come from a page of another site. */
const isSameSite = ({ headers }: IncomingMessage): boolean =>
  ['none', 'same-origin', undefined].includes(headers['sec-fetch-site']?.toString());

const noSuchWorker = (worker: string): TextResponse => ({
  status: 404,
  text: `There is no Worker named "${worker}".\n`,
});

const workersDevDisabled = (worker: string): TextResponse => ({
  status: 404,
  text: `The Worker "${worker}" has workers_dev disabled: use one of its routes or custom domains.\n`,
});

const previewsDisabled = (worker: string): TextResponse => ({
  status: 404,
  text: `The Worker "${worker}" has no preview URLs.\n`,
});

/** A Worker that runs, and the name of its version. */
interface Running {
  lease: Lease;
  name: string;
}

interface TextResponse {
  status: number;
  text: string;
}

/** Cloudflare's response. */
const EXCEEDED_CPU: TextResponse = { status: 503, text: 'error code: 1102\n' };
const ENDED: TextResponse = { status: 502, text: 'The Worker stopped before it responded.\n' };

function toErrorResponse(error: unknown): TextResponse {
  if (error instanceof StartError || error instanceof ApiError)
    return { status: 500, text: `The Worker did not start: ${error.message}\n` };
  if (error instanceof ExceededCpu) return EXCEEDED_CPU;
  if (error instanceof ScheduledHandlerError) return { status: 500, text: `${error.message}\n` };
  throw error;
}

function respond(response: ServerResponse, { status, text }: TextResponse): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}

function* clientHeaders(request: IncomingMessage): Iterable<[string, string]> {
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = withoutPrivateCookies(name, raw[index + 1] ?? '');
    if (!DROPPED.test(name) && value !== undefined) yield [name, value];
  }
}

/** The value of the header; undefined if nothing is left of it. */
function withoutPrivateCookies(name: string, value: string): string | undefined {
  if (name.toLowerCase() !== 'cookie') return value;
  const cookies = value.split(';').filter((cookie) => !PRIVATE_COOKIE.test(cookie));
  return cookies.length > 0 ? cookies.join(';').trim() : undefined;
}

function* forwardedHeaders(
  runtime: Runtime,
  worker: string,
  request: IncomingMessage,
): Iterable<[string, string]> {
  yield* clientHeaders(request);
  yield* Object.entries(runtime.controlHeaders);
  yield ['x-control-worker', worker];
}

function headersFor(runtime: Runtime, worker: string, request: IncomingMessage): OutgoingHttpHeaders {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of forwardedHeaders(runtime, worker, request)) {
    const key = name.toLowerCase();
    headers[key] = [...(headers[key] ?? []), value];
  }
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length > 1 ? values : values[0]]),
  );
}

/** Whether a request for a WebSocket has a body, which it never has. */
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

function headText({ statusCode, statusMessage }: IncomingMessage, rawHeaders: string[]): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let index = 0; index < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The headers without those about the connection; the body that follows them is not in chunks. */
function withoutConnection(rawHeaders: string[]): string[] {
  const isKept = (name = '') => !/^(connection|keep-alive|transfer-encoding)$/i.test(name);
  return rawHeaders.filter((_, index) => isKept(rawHeaders[index - (index % 2)]));
}

function connect(client: Duplex, server: Duplex): void {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.pipe(to);
    from.once('error', () => to.destroy());
    from.once('close', () => to.destroy());
  }
}
