// Workers: their list, and uploading one, which deploys it.

import { type Context, Hono } from 'hono';
import { invalidWorkerName } from '../../http/errors.ts';
import { ok } from '../../http/responses.ts';
import type { Worker } from '../../state/records.ts';
import { addVersion, deployNew } from '../../workers/deploy.ts';
import { readUpload } from '../../workers/upload.ts';
import { type Platform, sourceOf } from '../context/platform.ts';

const NAME = /^[a-z0-9_][a-z0-9_-]{0,62}$/;

export function scripts(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts', (c) =>
      ok(
        c,
        Array.from(account.workers.values(), (worker) => serialize(platform, worker)),
      ),
    )
    .put('/workers/scripts/:name', async (c) => {
      const name = checkName(c.req.param('name'));
      const before = account.workers.get(name);
      const source = sourceOf(c);
      const newest = before && account.newest(before);
      const context = {
        account,
        uploads: platform.assetUploads,
        worker: name,
        before: newest,
        source,
        trigger: 'upload' as const,
        isStrict: isStrict(c),
      };
      const { version, settings, migrated } = await readUpload(c.req.raw, context);
      const start = performance.now();
      addVersion(account, name, version, settings);
      await deployNew(platform, name, version, migrated);
      const worker = account.workers.get(name);
      return ok(c, {
        ...(worker && serialize(platform, worker)),
        deployment_id: version.id.replaceAll('-', ''),
        startup_time_ms: Math.round(performance.now() - start),
      });
    });
}

export const isStrict = (c: Context): boolean => c.req.query('bindings_inherit') === 'strict';

function checkName(name: string): string {
  if (!NAME.test(name)) throw invalidWorkerName(name);
  return name;
}

function serialize({ account }: Platform, worker: Worker): object {
  const version = account.live(worker) ?? account.newest(worker);
  const { name, tag, created_on, modified_on, last_deployed_from, settings, migration_tag } = worker;
  return {
    id: name,
    tag,
    tags: settings.tags ?? [],
    etag: version?.etag,
    created_on,
    modified_on,
    last_deployed_from,
    migration_tag,
    compatibility_date: version?.compatibility_date,
    compatibility_flags: version?.compatibility_flags,
    has_assets: version?.assets !== undefined,
    has_modules: true,
    handlers: version?.handlers ?? [],
    logpush: settings.logpush ?? false,
    usage_model: 'standard',
  };
}
