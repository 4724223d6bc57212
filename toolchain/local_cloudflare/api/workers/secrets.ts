// The secrets of a Worker. Responses never contain their values.

import { type Context, Hono } from 'hono';
import { serializeBinding } from '../../groups/bindings.ts';
import { invalidBody, noSuchSecret } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Binding, Worker } from '../../state/records.ts';
import { liveAndNewest, redeploy } from '../../workers/deploy.ts';
import { getWorker, type Platform, requestedWorker, sourceOf } from '../context/platform.ts';

const NEWEST_NOT_DEPLOYED = 10215;

interface Secret {
  name: string;
  text: string;
  type: string;
}

type Changes = Record<string, Secret | null>;

export function secrets(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts/:name/secrets', (c) =>
      ok(c, account.secretsOf(requestedWorker(platform, c)).map(serializeBinding)),
    )
    .get('/workers/scripts/:name/secrets/:secret', (c) =>
      ok(c, serializeBinding(getSecret(platform, requestedWorker(platform, c), c.req.param('secret')))),
    )
    .put('/workers/scripts/:name/secrets', async (c) => {
      const worker = requestedWorker(platform, c);
      const secret = checkSecret(await readObject<Secret>(c));
      await change(platform, c, worker, { [secret.name]: secret });
      return ok(c, serializeBinding({ ...secret }));
    })
    .delete('/workers/scripts/:name/secrets/:secret', async (c) => {
      const worker = requestedWorker(platform, c);
      const { name } = getSecret(platform, worker, c.req.param('secret'));
      await change(platform, c, worker, { [name]: null });
      return ok(c, null);
    })
    .patch('/workers/scripts/:name/secrets-bulk', async (c) => {
      const worker = requestedWorker(platform, c);
      const body = await readObject<{ secrets: Record<string, Partial<Secret> | null> }>(c);
      const changes: Changes = {};
      for (const [name, secret] of Object.entries(body.secrets ?? {}))
        changes[name] = secret && checkSecret({ ...secret, name });
      await change(platform, c, worker, changes);
      const names = account
        .secretsOf(getWorker(platform, worker.name))
        .map((secret) => [secret.name, serializeBinding(secret)]);
      return ok(c, Object.fromEntries(names));
    });
}

function getSecret({ account }: Platform, worker: Worker, name: string): Binding {
  const secret = account.secretsOf(worker).find((binding) => binding.name === name);
  if (!secret) throw noSuchSecret(name);
  return secret;
}

function checkSecret({ name, text, type }: Partial<Secret>): Secret {
  if (!name || typeof text !== 'string' || (type ?? 'secret_text') !== 'secret_text')
    throw invalidBody('a secret must have a name, text, and the type "secret_text"');
  return { name, text, type: 'secret_text' };
}

async function change(platform: Platform, c: Context, worker: Worker, changes: Changes): Promise<void> {
  const live = liveAndNewest(platform.account, worker, NEWEST_NOT_DEPLOYED);
  const unchanged = live.bindings.filter(({ name }) => !Object.hasOwn(changes, name));
  const added = Object.values(changes).flatMap((secret) => (secret ? [{ ...secret }] : []));
  await redeploy(platform, worker, {
    source: sourceOf(c),
    triggeredBy: 'secret',
    bindings: [...unchanged, ...added],
  });
}
