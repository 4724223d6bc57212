// What the Worker of a test run requests from elsewhere. The platform records it, and answers it if the test says so.

import { WorkerEntrypoint } from 'cloudflare:workers';

/** How much of a body is recorded, and what follows if there is more: secrets that are cut there are then found. */
const MAX_BODY_BYTES = 64 * 1024;
const TRUNCATED = '[truncated output]';

export class Outbound extends WorkerEntrypoint {
  async fetch(request) {
    const { worker } = this.ctx.props;
    const { method, url } = request;
    const [kept, sent] = split(request);
    const { number, answer, error } = await this.#call('ask', {
      worker,
      method,
      url,
      body: await text(kept),
    });
    if (error !== undefined) throw new Error(error);
    if (answer) return responseOf(answer);
    return this.#record({ worker, number }, await fetch(sent));
  }

  /** Return the response immediately; its body is recorded as it arrives. */
  #record(request, response) {
    if (response.webSocket) return response;
    const [kept, returned] = split(response);
    const recorded = text(kept).then((body) =>
      this.#call('record', { ...request, status: response.status, type: contentType(response), body }),
    );
    this.ctx.waitUntil(recorded.catch((error) => console.error(error.message)));
    return returned;
  }

  async #call(operation, details) {
    const body = JSON.stringify({ operation, ...details });
    const response = await this.env.OUTBOUND.fetch('http://outbound/', { method: 'POST', body });
    return response.json();
  }
}

/** Return two copies of a request or a response, one to read and one to pass on. */
function split(message) {
  return message.body ? [message.clone(), message] : [message, message];
}

const contentType = ({ headers }) => headers.get('content-type') ?? '';

/** Return the beginning of a body; null if there is none. */
async function text({ body }) {
  if (!body) return null;
  const decoder = new TextDecoder();
  let found = '';
  let size = 0;
  const reader = body.getReader();
  while (size <= MAX_BODY_BYTES) {
    const { done, value } = await reader.read();
    if (done) return found + decoder.decode();
    found += decoder.decode(value.subarray(0, MAX_BODY_BYTES - size), { stream: true });
    size += value.byteLength;
  }
  void reader.cancel();
  return found + TRUNCATED;
}

function responseOf({ status, headers, body }) {
  if (body === undefined || body === null) return new Response(null, { status, headers });
  if (typeof body === 'string') return new Response(body, { status, headers });
  return Response.json(body, { status, headers });
}
