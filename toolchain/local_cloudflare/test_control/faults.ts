// Makes API calls fail, so that tests can see how the product handles it.

import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { pathOf } from '../api/context/authorization.ts';
import { ApiError, invalidBody } from '../http/errors.ts';
import { failure } from '../http/responses.ts';

export interface Fault {
  /** All methods if not set. */
  method?: string;
  /** A regular expression for the path after /client/v4. */
  path: string;
  /** If not set, the call works normally after `delayMilliseconds`. */
  status?: number;
  code?: number;
  message?: string;
  headers?: Record<string, string>;
  /** How many calls; all if not set. */
  times?: number;
  delayMilliseconds?: number;
  /** Execute the call, but respond that it failed. */
  after?: boolean;
  /** Do not respond until the faults are replaced. */
  hang?: boolean;
}

interface ActiveFault {
  fault: Fault;
  path: RegExp;
  fired: number;
}

export class Faults {
  #active: ActiveFault[] = [];
  #release = new AbortController();

  replace(faults: Fault[]): void {
    this.#release.abort();
    this.#release = new AbortController();
    this.#active = faults.map((fault) => ({ fault, path: parsePattern(fault.path), fired: 0 }));
  }

  /** Wait until the client disconnects or the faults are replaced. */
  async hang(client: AbortSignal): Promise<Response> {
    const signal = AbortSignal.any([client, this.#release.signal]);
    if (!signal.aborted) await once(signal, 'abort');
    return new Response(null, { status: 503 });
  }

  list(): object[] {
    return this.#active.map(({ fault, fired }) => ({ ...fault, fired }));
  }

  /** Return the first fault for this call, and count it as fired. */
  take(method: string, path: string): Fault | undefined {
    const active = this.#active.find(
      ({ fault, path: pattern, fired }) =>
        (fault.method ?? method) === method &&
        pattern.test(path) &&
        fired < (fault.times ?? Number.POSITIVE_INFINITY),
    );
    if (active) active.fired += 1;
    return active?.fault;
  }
}

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw invalidBody(`"${text}" is not a valid regular expression`);
  }
}

export function injectFaults(faults: Faults): MiddlewareHandler {
  return async (c, next) => {
    const fault = faults.take(c.req.method, pathOf(c));
    if (!fault) return next();
    if (fault.delayMilliseconds) await setTimeout(fault.delayMilliseconds);
    const worksNormally = fault.status === undefined && !fault.hang;
    if (fault.after || worksNormally) await next();
    if (worksNormally) return;
    c.res = undefined; // otherwise the headers of the real response would remain
    c.res = fault.hang ? await faults.hang(c.req.raw.signal) : failureResponse(c, fault);
  };
}

function failureResponse(
  c: Context,
  { status = 500, code = 10013, message = 'injected failure', headers }: Fault,
): Response {
  const response = failure(c, new ApiError(status as ContentfulStatusCode, code, message));
  for (const [name, value] of Object.entries(headers ?? {})) response.headers.set(name, value);
  return response;
}
