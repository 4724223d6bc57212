// One client that listens to a Worker's logs.

import { randomBytes } from 'node:crypto';
import { type Filter, matches } from './filters.ts';
import type { TraceEvent } from './trace.ts';
import type { WebSocketServer } from './websocket.ts';

const HOURS = 6;
/** In bytes. A client that reads too slowly loses events, and receives the number of lost events. */
const MAX_BACKLOG = 1024 * 1024;

export class Listener {
  /** Random, because it is also the credential for listening. */
  readonly id = randomBytes(16).toString('hex');
  readonly worker: string;
  readonly expires: Date;
  /** Set before the Worker's group is informed, and so before the first event. */
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

  send(event: TraceEvent, text: string): void {
    if (!this.#socket || !matches(this.#filters, event)) return;
    if (this.#socket.backlog > MAX_BACKLOG) this.lost += 1;
    else this.#socket.send(text);
  }

  /** Report lost events with the kind of event that Cloudflare uses for that. */
  reportLost(): void {
    if (this.lost === 0 || !this.#socket || this.#socket.backlog > MAX_BACKLOG / 2) return;
    const message = `${this.lost} messages were lost because they arrived faster than they were read.`;
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
