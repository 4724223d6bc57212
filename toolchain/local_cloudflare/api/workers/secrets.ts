import { type Context, Hono } from 'hono';
import { shown } from '../../groups/bindings.ts';
import { invalidBody, newestNotDeployed, noSuchSecret } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Binding, Worker } from '../../state/records.ts';
import { rebind } from '../../workers/deploy.ts';
import { type Platform, sourceOf, workerOf } from '../context/platform.ts';

const NEWEST_NOT_DEPLOYED = 10215;

interface Secret {
  name: string;
  text: string;
  type: string;
}

type Changes = Record<string, Secret | null>;

/** Values go in and never come out: answers hold names. */
export function secrets(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts/:name/secrets', (c) =>
      ok(c, account.secretsOf(workerOf(platform, c.req.param('name'))).map(shown)),
    )
    .get('/workers/scripts/:name/secrets/:secret', (c) =>
      ok(c, shown(find(platform, workerOf(platform, c.req.param('name')), c.req.param('secret')))),
    )
    .put('/workers/scripts/:name/secrets', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const secret = checked(await bodyOf<Secret>(c));
      await change(platform, c, worker, { [secret.name]: secret });
      return ok(c, shown({ ...secret }));
    })
    .delete('/workers/scripts/:name/secrets/:secret', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const { name } = find(platform, worker, c.req.param('secret'));
      await change(platform, c, worker, { [name]: null });
      return ok(c, null);
    })
    .patch('/workers/scripts/:name/secrets-bulk', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const body = await bodyOf<{ secrets: Record<string, Partial<Secret> | null> }>(c);
      const changes: Changes = {};
      for (const [name, secret] of Object.entries(body.secrets ?? {}))
        changes[name] = secret && checked({ ...secret, name });
      await change(platform, c, worker, changes);
      const names = account.secretsOf(workerOf(platform, worker.name)).map((one) => [one.name, shown(one)]);
      return ok(c, Object.fromEntries(names));
    });
}

function find({ account }: Platform, worker: Worker, name: string): Binding {
  const secret = account.secretsOf(worker).find((binding) => binding.name === name);
  if (!secret) throw noSuchSecret(name);
  return secret;
}

function checked({ name, text, type }: Partial<Secret>): Secret {
  if (!name || typeof text !== 'string' || (type ?? 'secret_text') !== 'secret_text')
    throw invalidBody('a secret has a name, a text, and the type "secret_text"');
  return { name, text, type: 'secret_text' };
}

async function change(platform: Platform, c: Context, worker: Worker, changes: Changes): Promise<void> {
  const live = platform.account.live(worker);
  if (!live || worker.versions[0]?.id !== live.id) throw newestNotDeployed(NEWEST_NOT_DEPLOYED);
  const untouched = live.bindings.filter(({ name }) => !Object.hasOwn(changes, name));
  const set = Object.values(changes).flatMap((secret) => (secret ? [{ ...secret }] : []));
  await rebind(platform, worker, {
    source: sourceOf(c),
    triggeredBy: 'secret',
    bindings: [...untouched, ...set],
  });
}
