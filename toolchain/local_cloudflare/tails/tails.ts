// Live logs: who listens to which Worker, and which events they receive. Nothing is stored.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Filter } from './filters.ts';
import { Listener } from './listener.ts';
import { type TailMessage, Trace, type TraceEvent } from './trace.ts';
import { WebSocketServer } from './websocket.ts';

const PROTOCOL = 'trace-v1';
const PATH = '/tails/';
const MAX_PER_WORKER = 10;
/** Long invocations, such as a Workflow that runs for days, are reported in parts. */
const PART_MILLISECONDS = 300;

/** What a control Worker sends. */
interface Batch {
  messages: TailMessage[];
  /** How many messages were dropped, by Worker. */
  lost: Record<string, number>;
}

export class Tails {
  readonly #listeners = new Map<string, Listener>();
  readonly #traces = new Map<string, Trace>();
  #timer: NodeJS.Timeout | undefined;
  /** Called with the Worker whose listeners changed. */
  onChange: (worker: string) => Promise<void> = async () => undefined;

  of(worker: string): Listener[] {
    return [...this.#listeners.values()].filter((listener) => listener.worker === worker);
  }

  hasListeners(worker: string): boolean {
    return this.of(worker).some(({ isConnected }) => isConnected);
  }

  /** Undefined if the Worker already has too many listeners. */
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

  /** Accept the connection of a listener; each listener can connect once. */
  async connect(request: IncomingMessage, socket: Duplex): Promise<void> {
    const { url = '' } = request;
    const listener = url.startsWith(PATH) ? this.#listeners.get(url.slice(PATH.length)) : undefined;
    if (!listener || listener.isConnected) return refuse(socket, '404 Not Found');
    if (!offersProtocol(request)) return refuse(socket, '400 Bad Request');
    listener.isConnected = true;
    await this.#changed(listener.worker);
    const server = new WebSocketServer(request, socket, PROTOCOL);
    server.onClose(() => this.delete(listener.id));
    listener.open(server);
    if (socket.destroyed) this.delete(listener.id);
  }

  async #changed(worker: string): Promise<void> {
    if (!this.hasListeners(worker)) this.forget([worker]);
    await this.onChange(worker);
  }

  /** Drop the unfinished invocations of these Workers, whose end will not be reported. */
  forget(workers: string[]): void {
    for (const [id, { worker }] of this.#traces) if (workers.includes(worker)) this.#traces.delete(id);
  }

  /** Receives batches from the control Workers. */
  readonly receive = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.#handle(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
  };

  #handle({ messages, lost }: Batch): void {
    for (const [worker, count] of Object.entries(lost))
      for (const listener of this.of(worker)) listener.lost += count;
    for (const message of messages) if (this.hasListeners(message.worker)) this.#add(message);
    this.#timer ??= setInterval(() => this.#sendParts(), PART_MILLISECONDS).unref();
  }

  #add(message: TailMessage): void {
    const trace = this.#traces.get(message.invocation) ?? new Trace(message);
    trace.add(message);
    if (message.kind === 'outcome') {
      this.#traces.delete(message.invocation);
      this.#send(trace.take(message));
    } else this.#traces.set(message.invocation, trace);
  }

  #send(event: TraceEvent): void {
    const text = JSON.stringify(event);
    for (const listener of this.of(event.scriptName)) listener.send(event, text);
  }

  #sendParts(): void {
    const before = Date.now() - PART_MILLISECONDS;
    for (const trace of this.#traces.values())
      if (trace.waitingSince !== undefined && trace.waitingSince < before) this.#send(trace.take());
    for (const listener of this.#listeners.values()) listener.reportLost();
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
}

function offersProtocol({ headers }: IncomingMessage): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return headers['sec-websocket-key'] !== undefined && offered.includes(PROTOCOL);
}
