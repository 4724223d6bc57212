// Live logs: who listens to which Worker, and what they are told. Nothing of it is kept.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Filter } from './filters.ts';
import { Listener } from './listener.ts';
import { type Said, Trace, type TraceEvent } from './trace.ts';
import { WebSocketServer } from './websocket.ts';

const PROTOCOL = 'trace-v1';
const PATH = '/tails/';
const MAX_PER_WORKER = 10;
/** An invocation that goes on, as a run of a Workflow may for days, is told in parts. */
const PART_MILLISECONDS = 300;

interface News {
  said: Said[];
  /** How many pieces were lost on the way, by Worker. */
  lost: Record<string, number>;
}

export class Tails {
  readonly #listeners = new Map<string, Listener>();
  readonly #traces = new Map<string, Trace>();
  #timer: NodeJS.Timeout | undefined;
  /** Tells a Worker's group whether anybody listens. */
  onChange: (worker: string) => Promise<void> = async () => undefined;

  of(worker: string): Listener[] {
    return [...this.#listeners.values()].filter((listener) => listener.worker === worker);
  }

  isListenedTo(worker: string): boolean {
    return this.of(worker).some(({ isConnected }) => isConnected);
  }

  /** Undefined where too many listen already. */
  create(worker: string, filters: Filter[]): Listener | undefined {
    for (const { id, isExpired } of this.#listeners.values()) if (isExpired) this.delete(id);
    if (this.of(worker).length >= MAX_PER_WORKER) return undefined;
    const listener = new Listener(worker, filters);
    this.#listeners.set(listener.id, listener);
    return listener;
  }

  delete(id: string): void {
    const listener = this.#listeners.get(id);
    if (!listener) return;
    this.#listeners.delete(id);
    listener.close();
    void this.#changed(listener.worker);
  }

  urlOf({ id }: Listener, host: string): string {
    return `ws://${host}${PATH}${id}`;
  }

  /** Take the connection of a listener; an id is good for one. */
  async connect(request: IncomingMessage, socket: Duplex): Promise<void> {
    const { url = '' } = request;
    const listener = url.startsWith(PATH) ? this.#listeners.get(url.slice(PATH.length)) : undefined;
    if (!listener || listener.isConnected) return refuse(socket, '404 Not Found');
    if (!speaks(request)) return refuse(socket, '400 Bad Request');
    listener.isConnected = true;
    await this.#changed(listener.worker);
    const server = new WebSocketServer(request, socket, PROTOCOL);
    server.onClose(() => this.delete(listener.id));
    listener.open(server);
    if (socket.destroyed) this.delete(listener.id);
  }

  async #changed(worker: string): Promise<void> {
    if (!this.isListenedTo(worker)) this.forget([worker]);
    await this.onChange(worker);
  }

  /** What these Workers were doing is over, and nobody will say so. */
  forget(workers: string[]): void {
    for (const [id, { worker }] of this.#traces) if (workers.includes(worker)) this.#traces.delete(id);
  }

  /** Takes what the control Workers send. */
  readonly receive = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.#hear(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
  };

  #hear({ said, lost }: News): void {
    for (const [worker, count] of Object.entries(lost))
      for (const listener of this.of(worker)) listener.lost += count;
    for (const one of said) if (this.isListenedTo(one.worker)) this.#add(one);
    this.#timer ??= setInterval(() => this.#tellRest(), PART_MILLISECONDS).unref();
  }

  #add(said: Said): void {
    const trace = this.#traces.get(said.invocation) ?? new Trace(said);
    trace.add(said);
    if (said.kind === 'outcome') {
      this.#traces.delete(said.invocation);
      this.#tell(trace.take(said));
    } else this.#traces.set(said.invocation, trace);
  }

  #tell(event: TraceEvent): void {
    const text = JSON.stringify(event);
    for (const listener of this.of(event.scriptName)) listener.tell(event, text);
  }

  #tellRest(): void {
    const before = Date.now() - PART_MILLISECONDS;
    for (const trace of this.#traces.values())
      if (trace.waitingSince !== undefined && trace.waitingSince < before) this.#tell(trace.take());
    for (const listener of this.#listeners.values()) listener.tellLost();
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
}

function speaks({ headers }: IncomingMessage): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return headers['sec-websocket-key'] !== undefined && offered.includes(PROTOCOL);
}
