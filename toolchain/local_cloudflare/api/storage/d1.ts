// D1 databases and queries.

import fs from 'node:fs';
import path from 'node:path';
import { type Context, Hono } from 'hono';
import { databaseId } from '../../groups/bindings.ts';
import {
  invalidBody,
  nameTaken,
  noSuchDatabase,
  queryFailed,
  resourceInUse,
  unsupported,
} from '../../http/errors.ts';
import { checkName, isText, shown } from '../../http/names.ts';
import { checkObjects, readObject } from '../../http/requests.ts';
import { ok, okPage } from '../../http/responses.ts';
import { stateFilesOf } from '../../state/layout.ts';
import { newId, now } from '../../state/new_records.ts';
import type { Database } from '../../state/records.ts';
import { readDatabase } from '../../system/sqlite.ts';
import type { Platform } from '../context/platform.ts';
import { splitStatements } from './sql_statements.ts';

const NAME_TAKEN = 7502;
const IN_USE = 7503;
const COUNT_TABLES = `SELECT count(*) AS count FROM sqlite_schema
  WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'`;
const PATH = '/d1/database';
export const ITEM = `${PATH}/:id`;

interface Statement {
  sql: string;
  params: unknown[];
}

interface DatabaseBody {
  name: string;
  jurisdiction: string;
  read_replication: { mode: string };
}

interface QueryBody extends Statement {
  batch: Partial<Statement>[];
}

export function databases(platform: Platform): Hono {
  const { account } = platform;
  const database = (c: Context) => getDatabase(platform, c.req.param('id') ?? '');
  const statements = async (c: Context) => statementsOf(await readObject<QueryBody>(c));
  return new Hono()
    .get(PATH, (c) => {
      const name = c.req.query('name') ?? '';
      const matching = account.databases.all().filter((database) => database.name.includes(name));
      return okPage(c, matching, serialize);
    })
    .post(PATH, async (c) => ok(c, serialize(await create(platform, await readObject<DatabaseBody>(c)))))
    .get(ITEM, (c) => {
      const found = databaseWithName(platform, c.req.param('id')) ?? database(c);
      return ok(c, selectFields(c, { ...serialize(found), ...sizeOf(platform, found) }));
    })
    .delete(ITEM, async (c) => {
      await remove(platform, database(c).uuid);
      return ok(c, null);
    })
    .post(`${ITEM}/query`, async (c) => ok(c, await query(platform, database(c).uuid, await statements(c))))
    .post(`${ITEM}/raw`, async (c) =>
      ok(c, await query(platform, database(c).uuid, await statements(c), 'raw')),
    )
    .on(['GET', 'POST'], `${ITEM}/time_travel/:call`, (c) => {
      throw unsupported(
        `The embedded platform keeps no earlier states of the database "${database(c).name}", so there is no time ` +
          'travel: export it before a change that you may want to undo',
      );
    });
}

const serialize = ({ uuid, name, created_at }: Database): object => ({
  uuid,
  name,
  created_at,
  version: 'production',
});

export function getDatabase({ account }: Platform, id: string): Database {
  const database = account.databases.get(id);
  if (!database) throw noSuchDatabase(id);
  return database;
}

const databaseWithName = ({ account }: Platform, name: string): Database | undefined =>
  account.databases.all().find((database) => database.name === name);

/** The fields that the call asks for; by default, all fields. */
function selectFields(c: Context, database: object): object {
  const fields = c.req.query('fields')?.split(',');
  return Object.fromEntries(Object.entries(database).filter(([name]) => fields?.includes(name) ?? true));
}

/** Read from the database's file, which needs no process. */
function sizeOf({ groups }: Platform, { uuid }: Database): object {
  const node = `d1:${uuid}`;
  const group = groups.of(node);
  const [name] = stateFilesOf(node);
  const file = path.join(group?.folder ?? '', name ?? '');
  const count = readDatabase(file, (database) => database.prepare(COUNT_TABLES).get()?.count);
  return {
    file_size: fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0,
    num_tables: Number(count ?? 0),
    read_replication: { mode: 'disabled' },
  };
}

async function create({ account, groups }: Platform, body: Partial<DatabaseBody>): Promise<Database> {
  const { jurisdiction, read_replication: replication } = body;
  const name = checkName('name', body.name);
  if (jurisdiction) throw unsupported(`The embedded platform has no D1 jurisdiction "${jurisdiction}"`);
  if (replication && replication.mode !== 'disabled')
    throw unsupported('The embedded platform does not replicate databases');
  if (account.databases.all().some((other) => other.name === name))
    throw nameTaken(NAME_TAKEN, `a database with the name "${name}" already exists`);
  const database = { uuid: newId(), name, created_at: now() };
  await groups.apply({ change: () => account.databases.add(database) });
  return database;
}

async function remove({ account, groups }: Platform, id: string): Promise<void> {
  const users = account.workersWithBinding((binding) => binding.type === 'd1' && databaseId(binding) === id);
  if (users.length > 0) throw resourceInUse(IN_USE, `database ${id}`, users);
  await groups.apply({ change: () => account.databases.delete(id), erases: `d1:${id}` });
}

/** The statements of a call. A text may contain several statements, separated by semicolons. */
function statementsOf(body: Partial<QueryBody>): Statement[] {
  const statements = checkObjects<QueryBody>(body.batch ?? [body], 'the batch').flatMap(
    ({ sql, params = [] }) => {
      if (!sql) throw invalidBody('sql is missing');
      if (!isText(sql)) throw invalidBody(`sql must be text, not ${shown(sql)}`);
      if (!Array.isArray(params)) throw invalidBody('params must be a list');
      const parts = splitStatements(sql);
      if (parts.length > 1 && params.length > 0)
        throw invalidBody('params belong to one statement: send several statements as a batch');
      return parts.map((part) => ({ sql: part, params }));
    },
  );
  if (statements.length === 0) throw queryFailed('No SQL statements detected.');
  return statements;
}

interface QueryResult {
  results: unknown;
  success: boolean;
  meta: { duration: number; rows_read: number; rows_written: number; changes: number };
}

/** Execute statements as a transaction; rows are objects, or lists with `raw`. */
export function query(
  platform: Platform,
  id: string,
  statements: Statement[],
  format: 'query' | 'raw' = 'query',
): Promise<QueryResult[]> {
  return control<QueryResult[]>(platform, id, format, { statements });
}

export async function control<T>(
  { groups }: Platform,
  id: string,
  operation: string,
  options: object,
): Promise<T> {
  const node = `d1:${id}`;
  try {
    return (await groups.use(node, (runtime) => runtime.control<T>(node, operation, options))) as T;
  } catch (error) {
    throw error instanceof Error ? queryFailed(error.message) : error;
  }
}
