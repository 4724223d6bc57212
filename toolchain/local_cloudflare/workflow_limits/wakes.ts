// When the waits of instances end that have left memory, or whose group's process has ended. Nothing is stored here: the
// instances' own files show when they wake.

import { type InstanceName, keyOf } from './permits.ts';

/** The longest delay of a timer. */
const MAX_MILLISECONDS = 2 ** 31 - 1;

export class Wakes {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Called when the wait of an instance should have ended. */
  readonly #onDue: (instance: InstanceName) => void;

  constructor(onDue: (instance: InstanceName) => void) {
    this.#onDue = onDue;
  }

  /** Replaces an earlier time for the instance. */
  plan({ workflow, id }: InstanceName, at: number): void {
    const key = keyOf({ workflow, id });
    clearTimeout(this.#timers.get(key));
    const due = () => {
      if (Date.now() < at) return this.plan({ workflow, id }, at);
      this.#timers.delete(key);
      this.#onDue({ workflow, id });
    };
    const delay = Math.min(Math.max(at - Date.now(), 0), MAX_MILLISECONDS);
    this.#timers.set(key, setTimeout(due, delay).unref());
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
