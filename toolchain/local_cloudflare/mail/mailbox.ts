// The emails that Workers send: kept here instead of being delivered.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { listFolder, readJson, remove, writeJson } from '../system/files.ts';

const MAX_EMAILS = 1000;
const ID = /^\d{15}-[0-9a-f-]{36}$/;

/** What a Worker sent; the addresses are as in the message. */
export interface Email {
  id: string;
  worker: string;
  from: string;
  to: string[];
  cc?: string[];
  bcc?: string[];
  subject: string;
  sentAt: string;
  text?: string;
  html?: string;
  [field: string]: unknown;
}

export class Mailbox {
  readonly #folder: string;

  constructor(state: string) {
    this.#folder = path.join(state, 'mail');
  }

  /** Store an email that a control Worker sends. */
  readonly receive = (request: IncomingMessage, response: ServerResponse): void => {
    void text(request).then(
      (body) => {
        this.#add(JSON.parse(body));
        response.end();
      },
      () => response.destroy(),
    );
  };

  #add(email: Omit<Email, 'id'>): void {
    const id = `${String(Date.now()).padStart(15, '0')}-${randomUUID()}`;
    writeJson(this.#file(id), { ...email, id });
    for (const old of this.#ids().slice(MAX_EMAILS)) remove(this.#file(old));
  }

  /** Newest first. */
  all(): Email[] {
    return this.#ids().flatMap((id) => readJson<Email>(this.#file(id)) ?? []);
  }

  get(id: string): Email | undefined {
    return ID.test(id) ? readJson<Email>(this.#file(id)) : undefined;
  }

  remove(id: string): void {
    if (ID.test(id)) remove(this.#file(id));
  }

  clear(): void {
    remove(this.#folder);
  }

  #ids(): string[] {
    const ids = listFolder(this.#folder).map((name) => path.basename(name, '.json'));
    return ids.sort().reverse();
  }

  #file(id: string): string {
    return path.join(this.#folder, `${id}.json`);
  }
}
