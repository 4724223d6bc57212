// Bindings that the local platform lacks, or whose effects it does not show.
import { WorkerEntrypoint } from 'cloudflare:workers';

const messages = [];
const batches = [];
const emails = [];
const failedOnce = new Set();

/** Whether this is the first call with the name. */
function isFirst(name) {
  if (failedOnce.has(name)) return false;
  failedOnce.add(name);
  return true;
}

export class Queue extends WorkerEntrypoint {
  async send(body, options) {
    messages.push({ body, ...options });
  }

  async sendBatch(batch, options) {
    const bytes = JSON.stringify(batch).length;
    if (batch.length > 100 || bytes > 256_000) throw new Error('The batch is too large');
    batches.push(batch.length);
    messages.push(...batch.map((message) => ({ ...message, ...options })));
  }

  async received() {
    batches.length = 0;
    return messages.splice(0);
  }

  async batches() {
    messages.length = 0;
    return batches.splice(0);
  }
}

export class Ai extends WorkerEntrypoint {
  async run(model, input, options) {
    if (model.endsWith('/unknown')) throw new Error(`5007: No such model ${model} or task`);
    if (model.endsWith('/busy')) {
      if (isFirst(model)) throw new Error('3040: No more data centers to forward the request to');
      return { response: 'at last' };
    }
    if (model.endsWith('/image')) return new Response(new Uint8Array([0, 255, 16])).body;
    return model.endsWith('/echo') ? { model, input, options } : { response: 'The mug arrived broken.' };
  }
}

export class Email extends WorkerEntrypoint {
  async send(email) {
    const [to] = email.to;
    if (to.startsWith('busy') && isFirst(to)) throw withCode('E_RATE_LIMIT_EXCEEDED', 'slow down');
    if (to.startsWith('lost')) throw withCode('E_INTERNAL_SERVER_ERROR', 'try later');
    emails.push(email);
    return { messageId: 'message-1' };
  }

  async received() {
    return emails.splice(0).at(-1);
  }
}

const withCode = (code, message) => Object.assign(new Error(message), { code });
