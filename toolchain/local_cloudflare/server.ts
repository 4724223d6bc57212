// The one port: the API for loopback hosts, Workers for their own and for those of zones.

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { destination } from './routing/hosts.ts';
import type { WorkerProxy } from './routing/proxy.ts';
import type { Account } from './state/account.ts';
import type { Tails } from './tails/tails.ts';

const HOST = '127.0.0.1';

export interface ServerParts {
  api: Hono;
  account: Account;
  proxy: WorkerProxy;
  tails: Tails;
  onFault: (error: Error) => void;
}

export async function listen(port: number, parts: ServerParts): Promise<http.Server> {
  const answer = getRequestListener(parts.api.fetch, { overrideGlobalObjects: false });
  const server = http.createServer((request, response) => {
    const to = destination(parts.account.zones, request.headers.host, request.url);
    if (to.kind === 'api') return void answer(request, response);
    if (to.kind === 'nobody') return misdirected(response);
    parts.proxy.request(to, request, response).catch((error: Error) => fault(parts, response, error));
  });
  server.requestTimeout = 0;
  server.on('upgrade', (request: IncomingMessage, socket, head) => {
    const to = destination(parts.account.zones, request.headers.host, request.url);
    if (to.kind === 'nobody') return socket.destroy();
    const connected =
      to.kind === 'api'
        ? parts.tails.connect(request, socket)
        : parts.proxy.upgrade(to, request, socket, head);
    connected.catch((error: Error) => {
      parts.onFault(error);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return server;
}

export const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

function misdirected(response: ServerResponse): void {
  response.writeHead(421, { 'content-type': 'text/plain; charset=utf-8' });
  response.end('This host is not served here.\n');
}

function fault({ onFault }: ServerParts, response: ServerResponse, error: Error): void {
  onFault(error);
  if (response.headersSent) return void response.destroy();
  response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
  response.end('The embedded platform failed; its log says why.\n');
}
