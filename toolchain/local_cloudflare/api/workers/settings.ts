import { type Context, Hono } from 'hono';
import { checkSupported, shown } from '../../groups/bindings.ts';
import { invalidBody, newestNotDeployed } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import type { Binding, Version, Worker } from '../../state/records.ts';
import { rebind } from '../../workers/deploy.ts';
import { type Platform, sourceOf, workerOf } from '../context/platform.ts';

const NEWEST_NOT_DEPLOYED = 10214;
const VERSIONED = ['compatibility_date', 'compatibility_flags', 'bindings', 'limits', 'placement'] as const;

type Change = Partial<Pick<Version, (typeof VERSIONED)[number]>> & Record<string, unknown>;

export function settings(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts/:name/settings', (c) =>
      ok(c, all(platform, workerOf(platform, c.req.param('name')))),
    )
    .patch('/workers/scripts/:name/settings', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      await change(platform, c, worker);
      return ok(c, all(platform, workerOf(platform, worker.name)));
    })
    .get('/workers/scripts/:name/script-settings', (c) =>
      ok(c, unversioned(workerOf(platform, c.req.param('name')))),
    )
    .patch('/workers/scripts/:name/script-settings', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const changed = { ...worker, settings: { ...worker.settings, ...(await bodyOf(c)) } };
      account.keepWorker(changed);
      return ok(c, unversioned(changed));
    });
}

function unversioned({ settings }: Worker): object {
  const { logpush = false, tags = [], tail_consumers = [], observability } = settings;
  return { logpush, tags, tail_consumers, observability };
}

function all({ account }: Platform, worker: Worker): object {
  const version = account.live(worker) ?? account.newest(worker);
  return {
    ...unversioned(worker),
    bindings: version?.bindings.map(shown) ?? [],
    compatibility_date: version?.compatibility_date,
    compatibility_flags: version?.compatibility_flags,
    limits: version?.limits,
    placement: version?.placement,
    usage_model: 'standard',
  };
}

async function change(platform: Platform, c: Context, worker: Worker): Promise<void> {
  const body = await readChange(c);
  const live = platform.account.live(worker);
  if (!live || worker.versions[0]?.id !== live.id) throw newestNotDeployed(NEWEST_NOT_DEPLOYED);
  const rest = Object.entries(body).filter(([name]) => !VERSIONED.some((versioned) => versioned === name));
  if (rest.length > 0)
    platform.account.keepWorker({ ...worker, settings: { ...worker.settings, ...Object.fromEntries(rest) } });
  const { bindings, ...settings } = body;
  await rebind(platform, workerOf(platform, worker.name), {
    source: sourceOf(c),
    triggeredBy: 'settings',
    bindings: bindings ? merged(bindings, live.bindings) : live.bindings,
    settings: {
      compatibility_date: settings.compatibility_date ?? live.compatibility_date,
      compatibility_flags: settings.compatibility_flags ?? live.compatibility_flags,
      limits: settings.limits ?? live.limits,
      placement: settings.placement ?? live.placement,
    },
  });
}

/** Cloudflare takes a form with a part `settings`; the SDK sends it so. */
async function readChange(c: Context): Promise<Change> {
  if (!c.req.header('content-type')?.startsWith('multipart/form-data')) return bodyOf<Change>(c);
  const part = (await c.req.raw.formData()).get('settings');
  const text = part instanceof File ? await part.text() : part;
  try {
    return JSON.parse(text ?? '{}');
  } catch {
    throw invalidBody('the part "settings" is not JSON');
  }
}

/** Bindings are replaced whole; a secret named without its text, or `inherit`, keeps what it was. */
function merged(bindings: Binding[], before: Binding[]): Binding[] {
  return bindings.map((binding) => {
    const keeps =
      binding.type === 'inherit' || (binding.type === 'secret_text' && binding.text === undefined);
    const old = before.find(({ name }) => name === binding.name);
    if (keeps && !old) throw invalidBody(`there is no binding ${binding.name} to keep`);
    const chosen = keeps && old ? old : binding;
    checkSupported(chosen);
    return chosen;
  });
}
