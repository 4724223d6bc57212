// Files that are shared through signed URLs, like Cloudflare's presigned URLs: anyone who knows the URL can use it
// for an hour, without a token.

import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Context, Hono } from 'hono';
import { privateFolder, readText, remove, writeText } from '../../system/files.ts';

const PATH = '/signed-files/';
const LIFETIME_MILLISECONDS = 3_600_000;
const MAX_BYTES = 300 * 1024 * 1024;

interface SignedFile {
  name: string;
  created: number;
  /** The MD5 hash that an upload must have; undefined for a file that is only downloaded. */
  md5: string | undefined;
}

export class SignedFiles {
  readonly #files = new Map<string, SignedFile>();

  /** Add a file and return its id. It has this text, or its text will be uploaded with this MD5 hash. */
  add(name: string, content: { text: string } | { md5: string }): string {
    this.#deleteExpired();
    const id = randomBytes(16).toString('hex');
    const md5 = 'md5' in content ? content.md5 : undefined;
    this.#files.set(id, { name, created: Date.now(), md5 });
    if ('text' in content) writeText(this.#path(id), content.text);
    return id;
  }

  urlOf(c: Context, id: string): string {
    return `${new URL(c.req.url).origin}${PATH}${id}`;
  }

  /** The text of a file; undefined if it has expired or was not uploaded. */
  read(id: string): string | undefined {
    return this.#files.has(id) ? readText(this.#path(id)) : undefined;
  }

  delete(id: string): void {
    this.#files.delete(id);
    remove(this.#path(id));
  }

  routes(): Hono {
    return new Hono().get(`${PATH}:id`, (c) => this.#download(c)).put(`${PATH}:id`, (c) => this.#upload(c));
  }

  #download(c: Context): Response {
    const id = c.req.param('id') ?? '';
    const text = this.read(id);
    if (text === undefined) return c.text('This URL has expired.\n', 404);
    const disposition = `attachment; filename="${this.#files.get(id)?.name}"`;
    return c.body(text, 200, {
      'content-type': 'application/sql; charset=utf-8',
      'content-disposition': disposition,
    });
  }

  async #upload(c: Context): Promise<Response> {
    const id = c.req.param('id') ?? '';
    const md5 = this.#files.get(id)?.md5;
    if (md5 === undefined) return c.text('This URL has expired.\n', 404);
    const content = Buffer.from(await c.req.arrayBuffer());
    if (content.length > MAX_BYTES) return c.text(`The file has more than ${MAX_BYTES} bytes.\n`, 413);
    const actual = createHash('md5').update(content).digest('hex');
    if (actual !== md5) return c.text(`The MD5 hash of the file is ${actual}, not ${md5}.\n`, 400);
    privateFolder(path.dirname(this.#path(id)));
    fs.writeFileSync(this.#path(id), content, { mode: 0o600 });
    return c.body(null, 200, { etag: `"${md5}"` });
  }

  #deleteExpired(): void {
    for (const [id, { created }] of this.#files)
      if (Date.now() - created > LIFETIME_MILLISECONDS) this.delete(id);
  }

  /** In the temporary folder, which is emptied when the platform starts. */
  #path(id: string): string {
    return path.join(os.tmpdir(), 'signed-files', id);
  }
}
