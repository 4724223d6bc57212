// Tells the platform what the group's Workers print, while it listens to them.

import { WorkerEntrypoint } from 'cloudflare:workers';

/** What waits for the platform; more is lost, and counted. */
const KEPT = 2000;
/** One whose sending was cut off is not waited for. */
const STUCK_MILLISECONDS = 5000;

let listened = new Set();
let waiting = [];
let lost = {};
/** Counts the changes of who is listened to: whoever listens anew is told again whose the pieces are. */
let change = 0;
let sendingSince = 0;

export function listen({ workers }) {
  listened = new Set(workers);
  change += 1;
}

export class Tail extends WorkerEntrypoint {
  /** A run that began before anybody listened is told from then on. */
  tailStream(onset) {
    return new Invocation(this, onset);
  }
}

class Invocation {
  #around;
  #worker;
  #id = crypto.randomUUID();
  #head;
  #method;
  #toldAt = -1;

  constructor({ env, ctx }, { event, timestamp }) {
    this.#around = { env, ctx };
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
    this.#tell({ kind: 'log', at: timestamp.valueOf(), level: event.level, message: event.message });
  }

  exception({ event, timestamp }) {
    const { name, message, stack } = event;
    this.#tell({ kind: 'exception', at: timestamp.valueOf(), name, message, stack });
  }

  /** The first method is the one that was called; the others are what it calls. */
  attributes({ event }) {
    for (const { name, value } of [event.info].flat()) if (name === 'jsrpc.method') this.#method ??= value;
  }

  return({ event }) {
    this.#tell({ kind: 'return', status: event.info?.statusCode });
  }

  outcome({ event, timestamp }) {
    const { outcome, cpuTime, wallTime } = event;
    this.#tell({ kind: 'outcome', at: timestamp.valueOf(), outcome, cpuTime, wallTime });
  }

  #tell(said) {
    if (!listened.has(this.#worker)) return;
    if (waiting.length >= KEPT) {
      lost[this.#worker] = (lost[this.#worker] ?? 0) + 1;
      return;
    }
    const head = this.#toldAt === change ? {} : { head: { ...this.#head, method: this.#method } };
    this.#toldAt = change;
    waiting.push({ ...said, ...head, worker: this.#worker, invocation: this.#id });
    this.#around.ctx.waitUntil(send(this.#around.env));
  }
}

/** One sends for all, what comes meanwhile too. */
async function send({ TAIL }) {
  if (Date.now() - sendingSince < STUCK_MILLISECONDS) return;
  try {
    while (waiting.length > 0) {
      sendingSince = Date.now();
      const body = JSON.stringify({ said: waiting, lost });
      waiting = [];
      lost = {};
      await TAIL.fetch('http://tail/', { method: 'POST', body });
    }
  } finally {
    sendingSince = 0;
  }
}
