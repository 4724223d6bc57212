import { readJson, writeJson } from '../system/files.ts';

/** A short list that is one file. */
export class Shelf<T> {
  readonly #file: string;
  readonly #key: (item: T) => string;
  #items: T[];

  constructor(file: string, key: (item: T) => string) {
    this.#file = file;
    this.#key = key;
    this.#items = readJson<T[]>(file) ?? [];
  }

  all(): readonly T[] {
    return this.#items;
  }

  get(key: string): T | undefined {
    return this.#items.find((item) => this.#key(item) === key);
  }

  add(item: T): void {
    this.#keep([...this.#items, item]);
  }

  /** Put the item in the place of the one with its key. */
  replace(item: T): void {
    this.#keep(this.#items.map((other) => (this.#key(other) === this.#key(item) ? item : other)));
  }

  drop(key: string): void {
    this.keepOnly((item) => this.#key(item) !== key);
  }

  keepOnly(isKept: (item: T) => boolean): void {
    const kept = this.#items.filter(isKept);
    if (kept.length < this.#items.length) this.#keep(kept);
  }

  #keep(items: T[]): void {
    writeJson(this.#file, items);
    this.#items = items;
  }
}
