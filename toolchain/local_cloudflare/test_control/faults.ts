// Calls that are to fail, so that tests see what the product makes of it.

import { setTimeout } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { pathOf } from '../api/context/authorization.ts';
import { ApiError, invalidBody } from '../http/errors.ts';
import { failed } from '../http/responses.ts';

export interface Fault {
  /** All methods without it. */
  method?: string;
  /** A regular expression that the path after /client/v4 holds. */
  path: string;
  /** Without it the call is answered as ever, when `delayMilliseconds` are over. */
  status?: number;
  code?: number;
  message?: string;
  headers?: Record<string, string>;
  /** How often; for ever without it. */
  times?: number;
  delayMilliseconds?: number;
  /** Execute the call, and say nevertheless that it failed. */
  after?: boolean;
  /** Never answer. */
  hang?: boolean;
}

interface Laid {
  fault: Fault;
  path: RegExp;
  fired: number;
}

export class Faults {
  #laid: Laid[] = [];

  replace(faults: Fault[]): void {
    this.#laid = faults.map((fault) => ({ fault, path: expression(fault.path), fired: 0 }));
  }

  shown(): object[] {
    return this.#laid.map(({ fault, fired }) => ({ ...fault, fired }));
  }

  /** The first that is for this call, counted as fired. */
  take(method: string, path: string): Fault | undefined {
    const laid = this.#laid.find(
      (one) =>
        (one.fault.method ?? method) === method &&
        one.path.test(path) &&
        one.fired < (one.fault.times ?? Number.POSITIVE_INFINITY),
    );
    if (laid) laid.fired += 1;
    return laid?.fault;
  }
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw invalidBody(`"${text}" is not a regular expression`);
  }
}

export function failing(faults: Faults): MiddlewareHandler {
  return async (c, next) => {
    const fault = faults.take(c.req.method, pathOf(c));
    if (!fault) return next();
    if (fault.delayMilliseconds) await setTimeout(fault.delayMilliseconds);
    const isAnswered = fault.status === undefined && !fault.hang;
    if (fault.after || isAnswered) await next();
    if (isAnswered) return;
    c.res = undefined; // or the headers of the answer that was would stay
    c.res = fault.hang ? await silence(c.req.raw.signal) : refusal(c, fault);
  };
}

function refusal(
  c: Context,
  { status = 500, code = 10013, message = 'made to fail', headers }: Fault,
): Response {
  const answer = failed(c, new ApiError(status as ContentfulStatusCode, code, message));
  for (const [name, value] of Object.entries(headers ?? {})) answer.headers.set(name, value);
  return answer;
}

/** Return when the client has gone. */
function silence(signal: AbortSignal): Promise<Response> {
  return new Promise((resolve) => {
    const leave = () => resolve(new Response(null));
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
  });
}
