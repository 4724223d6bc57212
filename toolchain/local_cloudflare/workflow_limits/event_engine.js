// Miniflare's Workflows engine, which also forgets an event when a wait has received it. Miniflare's own engine keeps it in the
// instance's file, so that in the next process, a later wait for the same type would receive it again.

import { Engine as MiniflaresEngine } from './miniflare-engine.mjs';

/** The keys of stored events are Miniflare's. */
const PREFIX = 'EVENT_MAP\n';
const keyOf = (type, index) => `${PREFIX}${type}\n${index}`;

export class EventEngine extends MiniflaresEngine {
  /** The map into which the stored events were loaded; a resumed instance has a new one. */
  #loaded = { map: undefined, done: undefined };
  /** Of each type, the index of the first stored event, and that of the next one. */
  #indexes = new Map();
  #received;

  async receiveEvent(event) {
    while (this.#loaded.map !== this.eventMap) await this.restoreEventMap();
    await this.#loaded.done;
    this.#received = event;
    return super.receiveEvent(event);
  }

  /** The engine calls this as soon as it has been given the event. */
  async storeEventMap() {
    const { type } = this.#received;
    await this.ctx.storage.put(keyOf(type, this.#indexesOf(type).next++), this.#received);
  }

  async restoreEventMap() {
    const map = this.eventMap;
    if (this.#loaded.map !== map) this.#loaded = { map, done: this.#load(map) };
    await this.#loaded.done;
  }

  async #load(map) {
    const stored = await this.ctx.storage.list({ prefix: PREFIX });
    const entries = Array.from(stored, ([key, event]) => {
      const [, type, index] = key.split('\n');
      return { type, index: Number(index), event };
    });
    entries.sort((first, second) => first.index - second.index);
    this.#indexes.clear();
    for (const [type, ofType] of Map.groupBy(entries, (entry) => entry.type)) {
      this.#indexes.set(type, { first: ofType[0].index, next: ofType.at(-1).index + 1 });
      map.set(
        type,
        ofType.map(({ event }) => event),
      );
    }
  }

  /** A wait has received the oldest event of the type. The engine stores that in the same transaction. */
  forgetEvent(type) {
    const indexes = this.#indexesOf(type);
    if (indexes.first < indexes.next) void this.ctx.storage.delete(keyOf(type, indexes.first++));
  }

  #indexesOf(type) {
    const indexes = this.#indexes.get(type) ?? { first: 0, next: 0 };
    this.#indexes.set(type, indexes);
    return indexes;
  }
}
