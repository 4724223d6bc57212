import { Hono } from 'hono';
import { databaseId } from '../../groups/bindings.ts';
import { invalidBody, nameTaken, noSuchDatabase, queryFailed, stillBound } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok, paged } from '../../http/responses.ts';
import { newId, now } from '../../state/new_records.ts';
import type { Database } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

const NAME_TAKEN = 7502;
const BOUND = 7503;
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
      const { items, info } = paged(
        c,
        account.databases
          .all()
          .filter((one) => one.name.includes(name))
          .map(shown),
      );
      return ok(c, items, info);
    })
    .post(PATH, async (c) => ok(c, shown(await create(platform, await bodyOf<Database>(c)))))
    .get(`${PATH}/:id`, (c) => ok(c, shown(find(platform, c.req.param('id')))))
    .delete(`${PATH}/:id`, async (c) => {
      await remove(platform, find(platform, c.req.param('id')).uuid);
      return ok(c, null);
    })
    .post(`${PATH}/:id/query`, async (c) => {
      const { uuid } = find(platform, c.req.param('id'));
      const body = await bodyOf<Statement & { batch: Partial<Statement>[] }>(c);
      return ok(c, await query(platform, uuid, (body.batch ?? [body]).map(checked)));
    });
}

const shown = ({ uuid, name, created_at }: Database): object => ({
  uuid,
  name,
  created_at,
  version: 'production',
});

function find({ account }: Platform, id: string): Database {
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
  const users = account.usersOf((binding) => binding.type === 'd1' && databaseId(binding) === id);
  if (users.length > 0) throw stillBound(BOUND, `database ${id}`, users);
  await groups.apply({ change: () => account.databases.drop(id), erases: `d1:${id}` });
}

function checked({ sql, params }: Partial<Statement>): Statement {
  if (!sql) throw invalidBody('sql is missing');
  return { sql, params: params ?? [] };
}

async function query({ groups }: Platform, id: string, statements: Statement[]): Promise<unknown> {
  const node = `d1:${id}`;
  const asked = groups.use(node, (runtime) => runtime.control(node, 'query', { statements }));
  return asked.catch((error: Error) => {
    throw queryFailed(error.message);
  });
}
