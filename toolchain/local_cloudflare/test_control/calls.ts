// Which calls of the API were made: never what was in them, nor by whose token.

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

export function noting(calls: Calls): MiddlewareHandler {
  return async (c, next) => {
    const query = new URL(c.req.url).search.slice(1);
    const user_agent = c.req.header('user-agent') ?? '';
    calls.add({ method: c.req.method, path: pathOf(c), query, user_agent });
    await next();
  };
}
