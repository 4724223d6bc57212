// One who listens to a Worker.

import { randomBytes } from 'node:crypto';
import { type Filter, lets } from './filters.ts';
import type { TraceEvent } from './trace.ts';
import type { WebSocketServer } from './websocket.ts';

const HOURS = 6;
/** Whoever does not take so much, in bytes, loses what comes, and is told how much that was. */
const MAX_BACKLOG = 1024 * 1024;

export class Listener {
  /** Whoever has it may listen. */
  readonly id = randomBytes(16).toString('hex');
  readonly worker: string;
  readonly expires: Date;
  /** From the moment at which the Worker's group is told, which is before the listener may speak. */
  isConnected = false;
  lost = 0;
  readonly #filters: Filter[];
  #socket: WebSocketServer | undefined;

  constructor(worker: string, filters: Filter[]) {
    this.worker = worker;
    this.#filters = filters;
    this.expires = new Date();
    this.expires.setHours(this.expires.getHours() + HOURS);
  }

  get isExpired(): boolean {
    return this.expires.valueOf() < Date.now();
  }

  open(socket: WebSocketServer): void {
    this.#socket = socket;
  }

  close(): void {
    this.#socket?.close();
  }

  tell(event: TraceEvent, text: string): void {
    if (!this.#socket || !lets(this.#filters, event)) return;
    if (this.#socket.backlog > MAX_BACKLOG) this.lost += 1;
    else this.#socket.send(text);
  }

  /** In Cloudflare's form for news of the listening itself. */
  tellLost(): void {
    if (this.lost === 0 || !this.#socket || this.#socket.backlog > MAX_BACKLOG / 2) return;
    const message = `${this.lost} messages were lost: they came faster than they were taken.`;
    const event: TraceEvent = {
      outcome: 'ok',
      scriptName: this.worker,
      exceptions: [],
      logs: [],
      eventTimestamp: Date.now(),
      event: { type: 'overload', message },
    };
    this.lost = 0;
    this.#socket.send(JSON.stringify(event));
  }
}
