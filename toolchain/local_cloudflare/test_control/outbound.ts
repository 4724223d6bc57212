// Sends requests to some hosts of the Internet to servers on loopback instead, because tests have no Internet.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TailHandler } from '../control_worker/definition.ts';

/** The origins that stand in for the origins of the Internet. */
export type Origins = Record<string, string>;

interface Message {
  operation: 'ask' | 'record';
  method: string;
  url: string;
  body: string | null;
}

/** Return the handler; undefined if no origin is replaced, because requests then take no detour. */
export function outboundTo(origins: Origins): TailHandler | undefined {
  if (Object.keys(origins).length === 0) return undefined;
  return (request, response) => {
    void answer(request, response, origins).catch(() => response.destroy());
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, origins: Origins): Promise<void> {
  const message: Message = JSON.parse(await text(request));
  const url = new URL(message.url);
  const origin = origins[url.origin];
  const isReplaced = message.operation === 'ask' && origin !== undefined;
  const sent = isReplaced
    ? { answer: await fetched(message, new URL(url.pathname + url.search, origin)) }
    : {};
  response.end(JSON.stringify(sent));
}

async function fetched({ method, body }: Message, url: URL): Promise<object> {
  const response = await fetch(url, { method, body });
  const headers = { 'content-type': response.headers.get('content-type') ?? 'text/plain' };
  return { status: response.status, headers, body: await response.text() };
}
