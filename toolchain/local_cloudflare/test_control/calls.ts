// Records which API calls were made, without their bodies and tokens.

import type { MiddlewareHandler } from 'hono';
import { pathOf } from '../api/context/authorization.ts';

interface Call {
  method: string;
  path: string;
  query: string;
  user_agent: string;
}

export class Calls {
  #all: Call[] = [];

  get all(): readonly Call[] {
    return this.#all;
  }

  add(call: Call): void {
    this.#all.push(call);
  }

  clear(): void {
    this.#all = [];
  }
}

export function recordCalls(calls: Calls): MiddlewareHandler {
  return async (c, next) => {
    const query = new URL(c.req.url).search.slice(1);
    const user_agent = c.req.header('user-agent') ?? '';
    calls.add({ method: c.req.method, path: pathOf(c), query, user_agent });
    await next();
  };
}
