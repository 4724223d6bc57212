// A lock that lets one task in at a time, in order of arrival.

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Run the work once all earlier work has ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Wait until all work so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** Acquire the lock, and return the function that releases it. */
  async acquire(): Promise<() => void> {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = before.then(() => released);
    await before;
    return release;
  }
}
