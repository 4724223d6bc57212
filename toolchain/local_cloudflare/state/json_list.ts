// Lists of records on disk.

import { readJson, writeJson } from '../system/files.ts';

/** A short list kept in one JSON file. */
export class JsonList<T> {
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
    this.#save([...this.#items, item]);
  }

  /** Replace the item that has the same key. */
  replace(item: T): void {
    this.#save(this.#items.map((other) => (this.#key(other) === this.#key(item) ? item : other)));
  }

  delete(key: string): void {
    this.retain((item) => this.#key(item) !== key);
  }

  retain(predicate: (item: T) => boolean): void {
    const kept = this.#items.filter(predicate);
    if (kept.length < this.#items.length) this.#save(kept);
  }

  #save(items: T[]): void {
    writeJson(this.#file, items);
    this.#items = items;
  }
}
