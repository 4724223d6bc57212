// D1 databases.

import { Hono } from 'hono';
import { databaseId } from '../../groups/bindings.ts';
import { invalidBody, nameTaken, noSuchDatabase, queryFailed, resourceInUse } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok, okPage } from '../../http/responses.ts';
import { newId, now } from '../../state/new_records.ts';
import type { Database } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const NAME_TAKEN = 7502;
const IN_USE = 7503;
const PATH = '/d1/database';

interface Statement {
  sql: string;
  params: unknown[];
}

export function databases(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get(PATH, (c) => {
      const name = c.req.query('name') ?? '';
      const matching = account.databases.all().filter((database) => database.name.includes(name));
      return okPage(c, matching, serialize);
    })
    .post(PATH, async (c) => ok(c, serialize(await create(platform, await readObject<Database>(c)))))
    .get(`${PATH}/:id`, (c) => ok(c, serialize(getDatabase(platform, c.req.param('id')))))
    .delete(`${PATH}/:id`, async (c) => {
      await remove(platform, getDatabase(platform, c.req.param('id')).uuid);
      return ok(c, null);
    })
    .post(`${PATH}/:id/query`, async (c) => {
      const { uuid } = getDatabase(platform, c.req.param('id'));
      const body = await readObject<Statement & { batch: Partial<Statement>[] }>(c);
      return ok(c, await query(platform, uuid, (body.batch ?? [body]).map(checkStatement)));
    });
}

const serialize = ({ uuid, name, created_at }: Database): object => ({
  uuid,
  name,
  created_at,
  version: 'production',
});

function getDatabase({ account }: Platform, id: string): Database {
  const database = account.databases.get(id);
  if (!database) throw noSuchDatabase(id);
  return database;
}

async function create({ account, groups }: Platform, { name }: Partial<Database>): Promise<Database> {
  if (!name) throw invalidBody('name is missing');
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

function checkStatement({ sql, params }: Partial<Statement>): Statement {
  if (!sql) throw invalidBody('sql is missing');
  return { sql, params: params ?? [] };
}

async function query({ groups }: Platform, id: string, statements: Statement[]): Promise<unknown> {
  const node = `d1:${id}`;
  const results = groups.use(node, (runtime) => runtime.control(node, 'query', { statements }));
  return results.catch((error: Error) => {
    throw queryFailed(error.message);
  });
}
