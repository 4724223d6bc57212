// Asks the thread that reads the engine's files.

import { Worker } from 'node:worker_threads';
import type { Operations } from './reader_thread.ts';

type Options<K extends keyof Operations> = Parameters<Operations[K]> extends [infer O] ? O : undefined;
type Result<K extends keyof Operations> = Awaited<ReturnType<Operations[K]>>;

interface Waiting {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
}

interface Answer {
  number: number;
  result: never;
  error?: string;
}

const ENDING_MILLISECONDS = 2000;

export class RunReader {
  #thread: Worker | undefined;
  #number = 0;
  readonly #waiting = new Map<number, Waiting>();

  ask<K extends keyof Operations>(operation: K, options: Options<K>): Promise<Result<K>> {
    const number = ++this.#number;
    const thread = this.#running();
    return new Promise<Result<K>>((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject } as Waiting);
      thread.postMessage({ number, operation, options });
    });
  }

  /** Keep on disk what was read, so that the next start need not read it again. */
  async close(): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, ENDING_MILLISECONDS).unref());
    await Promise.race([this.ask('save', undefined).catch(() => undefined), late]);
    await this.#thread?.terminate();
  }

  /** One that failed is replaced: it holds nothing that is not on disk. */
  #running(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(new URL('./reader_thread.ts', import.meta.url));
    thread.unref();
    thread.on('message', (answer: Answer) => this.#settle(answer));
    thread.on('error', (error) => this.#fail(thread, error as Error));
    thread.on('exit', () => this.#fail(thread, new Error('the reader of runs ended')));
    this.#thread = thread;
    return thread;
  }

  #settle({ number, result, error }: Answer): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  #fail(thread: Worker, error: Error): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
