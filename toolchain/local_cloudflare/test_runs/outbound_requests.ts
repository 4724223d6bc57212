// The requests that the Workers of test runs make: all are recorded, and answered as the test says.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';

const MAX_REQUESTS = 500;

/** A request that a test expects, and the response to it. Without `body`, it may have any. */
export interface Answer {
  method: string;
  url: string;
  body?: unknown;
  answer: { status: number; headers?: Record<string, string>; body?: unknown };
}

/** A request that was made. `answered` is the index of the answer; null if it was sent, or if there was none. */
interface Made {
  method: string;
  url: string;
  body: string | null;
  answered: number | null;
  response?: { status: number; type: string; body: string | null };
}

interface Requests {
  /** Null if requests are really sent. */
  answers: Answer[] | null;
  made: Made[];
}

interface Message extends Pick<Made, 'method' | 'url' | 'body'> {
  operation: 'ask' | 'record';
  worker: string;
  number: number;
  status: number;
  type: string;
}

export class OutboundRequests {
  readonly #of = new Map<string, Requests>();

  plan(worker: string, answers: Answer[] | null): void {
    this.#of.set(worker, { answers, made: [] });
  }

  made(worker: string): Made[] {
    return this.#of.get(worker)?.made ?? [];
  }

  forget(worker: string): void {
    this.#of.delete(worker);
  }

  /** Answer the entry point `Outbound` of a control Worker. */
  readonly receive = (request: IncomingMessage, response: ServerResponse): void => {
    void text(request).then(
      (body) => {
        const message: Message = JSON.parse(body);
        response.end(
          JSON.stringify(message.operation === 'ask' ? this.#ask(message) : this.#record(message)),
        );
      },
      () => response.destroy(),
    );
  };

  #ask({ worker, method, url, body }: Message): object {
    const requests = this.#of.get(worker);
    if (!requests) return {};
    const { answers, made } = requests;
    if (made.length >= MAX_REQUESTS)
      return { error: `A test run can make at most ${MAX_REQUESTS} requests.` };
    const answered = answers === null ? null : matching({ method, url, body }, requests);
    const number = made.push({ method, url, body, answered }) - 1;
    if (answers === null) return { number };
    if (answered === null) return { error: `The test has no answer for ${method} ${url}.` };
    return { number, answer: answers[answered]?.answer };
  }

  #record({ worker, number, status, type, body }: Message): object {
    const request = this.#of.get(worker)?.made[number];
    if (request) request.response = { status, type, body };
    return {};
  }
}

/** The first unused answer for the request: with the same body if there is one, or else for the same method and URL. */
function matching(
  request: Pick<Made, 'method' | 'url' | 'body'>,
  { answers, made }: Requests,
): number | null {
  const used = new Set(made.map(({ answered }) => answered));
  const fitting = (answers ?? []).flatMap((answer, index) =>
    used.has(index) || answer.method !== request.method || normal(answer.url) !== normal(request.url)
      ? []
      : [index],
  );
  const sameBody = fitting.find((index) => hasBody(request.body, answers?.[index]?.body));
  return sameBody ?? fitting[0] ?? null;
}

function normal(url: string): string {
  return URL.parse(url)?.href ?? url;
}

function hasBody(text: string | null, expected: unknown): boolean {
  if (expected === undefined || expected === text) return true;
  try {
    return isDeepStrictEqual(JSON.parse(text ?? ''), expected);
  } catch {
    return false;
  }
}
