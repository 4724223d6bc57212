// The server on the only port. A request's host decides whether it is for the API or for a Worker.

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { destination, type ReservedHosts } from './routing/hosts.ts';
import type { WorkerProxy } from './routing/proxy.ts';
import type { Account } from './state/account.ts';
import type { Tails } from './tails/tails.ts';

const HOST = '127.0.0.1';
/** The API of test runs has this prefix. */
const TEST_RUNS = '/test-runs';

export interface ServerParts {
  api: Hono;
  testRuns: Hono;
  account: Account;
  proxy: WorkerProxy;
  tails: Tails;
  reservedHosts: ReservedHosts;
  onError: (error: Error) => void;
}

export async function listen(port: number, parts: ServerParts): Promise<http.Server> {
  const serveApi = serve(parts.api);
  const serveTestRuns = serve(parts.testRuns);
  const server = http.createServer((request, response) => {
    const to = destination(parts.account.zones, parts.reservedHosts, request);
    if (to.kind === 'api') return void (isOfTestRuns(request) ? serveTestRuns : serveApi)(request, response);
    if (to.kind === 'none') return refuse(response, MISDIRECTED);
    if (to.kind === 'malformed') return refuse(response, MALFORMED);
    parts.proxy.request(to, request, response).catch((error: Error) => fail(parts, response, error));
  });
  server.requestTimeout = 0;
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const to = destination(parts.account.zones, parts.reservedHosts, request);
    if (to.kind === 'none' || to.kind === 'malformed') return socket.destroy();
    const connected =
      to.kind === 'api'
        ? parts.tails.connect(request, socket)
        : parts.proxy.upgrade(to, request, socket, head);
    connected.catch((error: Error) => {
      parts.onError(error);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return server;
}

const serve = (api: Hono) => getRequestListener(api.fetch, { overrideGlobalObjects: false });

/** Remove the prefix of test runs from a request's path, if it has it. */
function isOfTestRuns(request: IncomingMessage): boolean {
  const isOne = request.url?.startsWith(`${TEST_RUNS}/`) ?? false;
  if (isOne) request.url = request.url?.slice(TEST_RUNS.length) ?? '';
  return isOne;
}

export const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

const MISDIRECTED = [421, 'This host is not served by the embedded platform.'] as const;
const MALFORMED = [400, 'The target of the request must be a path.'] as const;

function refuse(response: ServerResponse, [status, sentence]: readonly [number, string]): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${sentence}\n`);
}

function fail({ onError }: ServerParts, response: ServerResponse, error: Error): void {
  onError(error);
  if (response.headersSent) return void response.destroy();
  response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
  response.end('The embedded platform failed; see its log.\n');
}
