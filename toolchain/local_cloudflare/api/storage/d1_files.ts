// Exports and imports of D1 databases: SQL text that is downloaded from, or uploaded to, a signed URL.

import { randomBytes } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { ApiError, invalidBody } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { now } from '../../state/new_records.ts';
import type { Database } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';
import { control, getDatabase, ITEM, query } from './d1.ts';
import type { SignedFiles } from './signed_files.ts';
import { splitStatements } from './sql_statements.ts';

const MD5 = /^[0-9a-f]{32}$/;

interface ExportBody {
  current_bookmark: string;
  dump_options: { no_data?: boolean; no_schema?: boolean; tables?: string[] };
}

interface ImportBody {
  action: string;
  etag: string;
  filename: string;
}

export function databaseFiles(platform: Platform, files: SignedFiles): Hono {
  const exports = new Exports(platform, files);
  const imports = new Imports(platform, files);
  const database = (c: Context) => getDatabase(platform, c.req.param('id') ?? '');
  return new Hono()
    .post(`${ITEM}/export`, async (c) =>
      ok(c, await exports.step(c, database(c), await readObject<ExportBody>(c))),
    )
    .post(`${ITEM}/import`, async (c) =>
      ok(c, await imports.step(c, database(c), await readObject<ImportBody>(c))),
    );
}

/** Like Cloudflare's, whose last part is random. */
const newBookmark = (): string => `00000000-00000000-00000000-${randomBytes(16).toString('hex')}`;

/** The first call writes the file and returns a bookmark, and a call with the bookmark returns the file's URL. */
class Exports {
  readonly #platform: Platform;
  readonly #files: SignedFiles;
  readonly #ids = new Map<string, { id: string; filename: string }>();

  constructor(platform: Platform, files: SignedFiles) {
    this.#platform = platform;
    this.#files = files;
  }

  async step(c: Context, database: Database, body: Partial<ExportBody>): Promise<object> {
    const { current_bookmark: bookmark } = body;
    return bookmark ? this.#finish(c, bookmark) : this.#start(database, body.dump_options ?? {});
  }

  async #start({ name, uuid }: Database, options: ExportBody['dump_options']): Promise<object> {
    const { no_data = false, no_schema = false, tables = [] } = options;
    const filename = `${name.replaceAll(/[^\w.-]/g, '_')}-${now().replaceAll(/[:.]/g, '-')}.sql`;
    const lines = await control<string[]>(this.#platform, uuid, 'export', { no_data, no_schema, tables });
    const at_bookmark = newBookmark();
    this.#ids.set(at_bookmark, {
      id: this.#files.add(filename, { text: `${lines.join('\n')}\n` }),
      filename,
    });
    return { success: true, type: 'export', at_bookmark, messages: [`Generating ${filename}`] };
  }

  /** The file is both in `result`, where the API's schema has it, and next to it, where the documentation has it. */
  #finish(c: Context, at_bookmark: string): object {
    const { id = '', filename = '' } = this.#ids.get(at_bookmark) ?? {};
    if (this.#files.read(id) === undefined) {
      this.#ids.delete(at_bookmark);
      throw invalidBody(`there is no export with the bookmark "${at_bookmark}": start a new one`);
    }
    const file = { filename, signed_url: this.#files.urlOf(c, id) };
    return {
      success: true,
      type: 'export',
      at_bookmark,
      status: 'complete',
      messages: [],
      result: file,
      ...file,
    };
  }
}

/** `init` returns a URL for the upload, and `ingest` executes what was uploaded. */
class Imports {
  readonly #platform: Platform;
  readonly #files: SignedFiles;

  constructor(platform: Platform, files: SignedFiles) {
    this.#platform = platform;
    this.#files = files;
  }

  async step(c: Context, database: Database, body: Partial<ImportBody>): Promise<object> {
    switch (body.action) {
      case 'init':
        return this.#init(c, body.etag ?? '');
      case 'ingest':
        return this.#ingest(database, body.filename ?? '');
      case 'poll':
        return { ...answer('error', 'Not currently importing anything.'), success: false };
      default:
        throw invalidBody('action must be one of: init, ingest, poll');
    }
  }

  #init(c: Context, md5: string): object {
    if (!MD5.test(md5)) throw invalidBody('etag must be the MD5 hash of the file');
    const filename = this.#files.add('import.sql', { md5 });
    return {
      success: true,
      type: 'import',
      filename,
      upload_url: this.#files.urlOf(c, filename),
      messages: [],
    };
  }

  async #ingest({ uuid }: Database, filename: string): Promise<object> {
    const sql = this.#files.read(filename);
    if (sql === undefined)
      throw invalidBody(`the file "${filename}" was not uploaded, or its URL has expired`);
    this.#files.delete(filename);
    try {
      const statements = splitStatements(sql).map((sql) => ({ sql, params: [] }));
      const results = await query(this.#platform, uuid, statements);
      const result = { num_queries: results.length, final_bookmark: newBookmark(), meta: total(results) };
      return { ...answer('complete'), result };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { ...answer('error', error.message), success: false };
    }
  }
}

const answer = (status: 'complete' | 'error', error?: string): object => ({
  success: true,
  type: 'import',
  status,
  at_bookmark: newBookmark(),
  messages: [],
  ...(error && { error }),
});

interface Result {
  meta: { duration: number; rows_read: number; rows_written: number; changes: number };
}

function total(results: Result[]): object {
  const sum = (name: keyof Result['meta']) => results.reduce((all, { meta }) => all + meta[name], 0);
  const sums = {
    duration: sum('duration'),
    rows_read: sum('rows_read'),
    rows_written: sum('rows_written'),
    changes: sum('changes'),
  };
  return { ...results.at(-1)?.meta, ...sums };
}
