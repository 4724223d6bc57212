// The settings of a Worker. Some belong to its version, so changing them deploys a new one.

import { type Context, Hono } from 'hono';
import { checkBindings, checkSupported, serializeBinding } from '../../groups/bindings.ts';
import { invalidBody } from '../../http/errors.ts';
import { checkObject, checkSettings, parseJson, readObject, readPart } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Binding, Version, Worker } from '../../state/records.ts';
import { liveAndNewest, redeploy } from '../../workers/deploy.ts';
import { WORKER_SETTINGS } from '../../workers/upload.ts';
import { getWorker, type Platform, requestedWorker, sourceOf } from '../context/platform.ts';

const NEWEST_NOT_DEPLOYED = 10214;
const VERSIONED = ['compatibility_date', 'compatibility_flags', 'bindings', 'limits', 'placement'] as const;

type Change = Partial<Pick<Version, (typeof VERSIONED)[number]>> & Record<string, unknown>;

export function settings(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts/:name/settings', (c) => ok(c, serialize(platform, requestedWorker(platform, c))))
    .patch('/workers/scripts/:name/settings', async (c) => {
      const worker = requestedWorker(platform, c);
      await change(platform, c, worker);
      return ok(c, serialize(platform, getWorker(platform, worker.name)));
    })
    .get('/workers/scripts/:name/script-settings', (c) =>
      ok(c, serializeUnversioned(requestedWorker(platform, c))),
    )
    .patch('/workers/scripts/:name/script-settings', async (c) => {
      const worker = requestedWorker(platform, c);
      const body = await readObject(c);
      checkSettings(body, WORKER_SETTINGS, `Worker "${worker.name}"`);
      const changed = { ...worker, settings: { ...worker.settings, ...body } };
      account.saveWorker(changed);
      return ok(c, serializeUnversioned(changed));
    });
}

function serializeUnversioned({ settings }: Worker): object {
  const { logpush = false, tags = [], tail_consumers = [], observability } = settings;
  return { logpush, tags, tail_consumers, observability };
}

function serialize({ account }: Platform, worker: Worker): object {
  const version = account.live(worker) ?? account.newest(worker);
  return {
    ...serializeUnversioned(worker),
    bindings: version?.bindings.map(serializeBinding) ?? [],
    compatibility_date: version?.compatibility_date,
    compatibility_flags: version?.compatibility_flags,
    limits: version?.limits,
    placement: version?.placement,
    usage_model: 'standard',
  };
}

async function change(platform: Platform, c: Context, worker: Worker): Promise<void> {
  const body = await readChange(c);
  checkSettings(body, WORKER_SETTINGS, `Worker "${worker.name}"`);
  const live = liveAndNewest(platform.account, worker, NEWEST_NOT_DEPLOYED);
  const bindings = body.bindings ? mergeBindings(body.bindings, live.bindings) : live.bindings;
  const unversioned = Object.entries(body).filter(
    ([name]) => !VERSIONED.some((versioned) => versioned === name),
  );
  if (unversioned.length > 0)
    platform.account.saveWorker({
      ...worker,
      settings: { ...worker.settings, ...Object.fromEntries(unversioned) },
    });
  const settings = body;
  await redeploy(platform, getWorker(platform, worker.name), {
    source: sourceOf(c),
    triggeredBy: 'settings',
    bindings,
    settings: {
      compatibility_date: settings.compatibility_date ?? live.compatibility_date,
      compatibility_flags: settings.compatibility_flags ?? live.compatibility_flags,
      limits: settings.limits ?? live.limits,
      placement: settings.placement ?? live.placement,
    },
  });
}

/** The body is JSON, or a form with a part `settings`, as the SDK sends it. */
async function readChange(c: Context): Promise<Change> {
  if (!c.req.header('content-type')?.startsWith('multipart/form-data')) return readObject<Change>(c);
  const text = await readPart(await c.req.raw.formData(), 'settings');
  return checkObject<Change>(parseJson(text ?? '{}'), 'the part "settings"');
}

/** All bindings are replaced, but `inherit`, or a secret without text, keeps the previous one. */
function mergeBindings(bindings: unknown, before: Binding[]): Binding[] {
  checkBindings(bindings);
  return bindings.map((binding) => {
    const keeps =
      binding.type === 'inherit' || (binding.type === 'secret_text' && binding.text === undefined);
    const previous = before.find(({ name }) => name === binding.name);
    if (keeps && !previous)
      throw invalidBody(`cannot keep the binding ${binding.name}, because it does not exist`);
    const chosen = keeps && previous ? previous : binding;
    checkSupported(chosen);
    return chosen;
  });
}
