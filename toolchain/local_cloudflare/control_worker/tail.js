// Sends what the group's Workers log to the platform, while someone listens to them.

import { WorkerEntrypoint } from 'cloudflare:workers';

/** How many messages may wait for the platform; more are dropped and counted. */
const MAX_WAITING = 2000;
/** A send that takes longer was cut off. */
const SEND_MILLISECONDS = 5000;

let listenedTo = new Set();
let waiting = [];
/** How many messages were dropped, by Worker. */
let lost = {};
/** Increases when listeners change. The head of each invocation is then sent again, for the new listeners. */
let generation = 0;
let sendingSince = 0;

export function listen({ workers }) {
  listenedTo = new Set(workers);
  generation += 1;
}

export class Tail extends WorkerEntrypoint {
  /** Called for each invocation; one that started before anyone listened is reported from then on. */
  tailStream(onset) {
    return new Invocation(this, onset);
  }
}

class Invocation {
  #context;
  #worker;
  #id = crypto.randomUUID();
  #head;
  #method;
  #headGeneration = -1;

  constructor({ env, ctx }, { event, timestamp }) {
    this.#context = { env, ctx };
    this.#worker = ctx.props.worker;
    this.#head = {
      at: timestamp.valueOf(),
      entrypoint: event.entrypoint,
      version: event.scriptVersion?.id,
      model: event.executionModel,
      info: event.info,
    };
  }

  log({ event, timestamp }) {
    this.#report({ kind: 'log', at: timestamp.valueOf(), level: event.level, message: event.message });
  }

  exception({ event, timestamp }) {
    const { name, message, stack } = event;
    this.#report({ kind: 'exception', at: timestamp.valueOf(), name, message, stack });
  }

  /** The first method is the one that was called; later ones are calls that it makes. */
  attributes({ event }) {
    for (const { name, value } of [event.info].flat()) if (name === 'jsrpc.method') this.#method ??= value;
  }

  return({ event }) {
    this.#report({ kind: 'return', status: event.info?.statusCode });
  }

  outcome({ event, timestamp }) {
    const { outcome, cpuTime, wallTime } = event;
    this.#report({ kind: 'outcome', at: timestamp.valueOf(), outcome, cpuTime, wallTime });
  }

  #report(message) {
    if (!listenedTo.has(this.#worker)) return;
    if (waiting.length >= MAX_WAITING) {
      lost[this.#worker] = (lost[this.#worker] ?? 0) + 1;
      return;
    }
    const head = this.#headGeneration === generation ? {} : { head: { ...this.#head, method: this.#method } };
    this.#headGeneration = generation;
    waiting.push({ ...message, ...head, worker: this.#worker, invocation: this.#id });
    this.#context.ctx.waitUntil(send(this.#context.env));
  }
}

/** One call sends everything, including what arrives in the meantime. */
async function send({ TAIL }) {
  if (Date.now() - sendingSince < SEND_MILLISECONDS) return;
  try {
    while (waiting.length > 0) {
      sendingSince = Date.now();
      const body = JSON.stringify({ messages: waiting, lost });
      waiting = [];
      lost = {};
      await TAIL.fetch('http://tail/', { method: 'POST', body });
    }
  } finally {
    sendingSince = 0;
  }
}
