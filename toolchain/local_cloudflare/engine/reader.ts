// Calls the operations of the thread that reads the engine's files.

import { Worker } from 'node:worker_threads';
import type { Operations } from './reader_thread.ts';

type Options<K extends keyof Operations> = Parameters<Operations[K]> extends [infer O] ? O : undefined;
type Result<K extends keyof Operations> = Awaited<ReturnType<Operations[K]>>;

interface Call {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
}

interface Reply {
  number: number;
  result: never;
  error?: string;
}

const SAVE_MILLISECONDS = 2000;

export class InstanceReader {
  #thread: Worker | undefined;
  #number = 0;
  readonly #calls = new Map<number, Call>();

  call<K extends keyof Operations>(operation: K, options: Options<K>): Promise<Result<K>> {
    const number = ++this.#number;
    const thread = this.#runningThread();
    return new Promise<Result<K>>((resolve, reject) => {
      this.#calls.set(number, { resolve, reject } as Call);
      thread.postMessage({ number, operation, options });
    });
  }

  /** Save the indexes, so that the next start does not read everything again. */
  async close(): Promise<void> {
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, SAVE_MILLISECONDS).unref());
    await Promise.race([this.call('save', undefined).catch(() => undefined), timeout]);
    await this.#thread?.terminate();
  }

  /** A thread that failed is replaced; its state is all on disk. */
  #runningThread(): Worker {
    if (this.#thread) return this.#thread;
    const thread = new Worker(new URL('./reader_thread.ts', import.meta.url));
    thread.unref();
    thread.on('message', (reply: Reply) => this.#finish(reply));
    thread.on('error', (error) => this.#fail(thread, error as Error));
    thread.on('exit', () => this.#fail(thread, new Error('the thread that reads instances has ended')));
    this.#thread = thread;
    return thread;
  }

  #finish({ number, result, error }: Reply): void {
    const call = this.#calls.get(number);
    this.#calls.delete(number);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  }

  #fail(thread: Worker, error: Error): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}
