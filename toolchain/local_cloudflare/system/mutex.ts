// One at a time.

export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Run when all who came before have ended. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Return when nobody is inside. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** Enter, and return the way out. */
  async enter(): Promise<() => void> {
    let leave: () => void = () => undefined;
    const before = this.#last;
    const inside = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#last = before.then(() => inside);
    await before;
    return leave;
  }
}
