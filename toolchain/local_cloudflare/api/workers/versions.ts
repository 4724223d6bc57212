import { Hono } from 'hono';
import { shown } from '../../groups/bindings.ts';
import { noSuchVersion } from '../../http/errors.ts';
import { ok, paged } from '../../http/responses.ts';
import { VERSIONS_KEPT } from '../../state/account.ts';
import type { Version, VersionSummary } from '../../state/records.ts';
import { addVersion } from '../../workers/deploy.ts';
import { readUpload } from '../../workers/upload.ts';
import { type Platform, sourceOf, workerOf } from '../context/platform.ts';
import { isStrict } from './scripts.ts';

const AUTHOR = 'local@localhost';

/** Uploaded code. A version answers no requests until it is deployed, which is when its group starts. */
export function versions(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts/:name/versions', (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const isAll = c.req.query('deployable') === 'true';
      const { items, info } = paged(
        c,
        worker.versions.slice(0, VERSIONS_KEPT),
        isAll ? VERSIONS_KEPT : undefined,
      );
      return ok(c, { items: items.map((summary) => described(summary)) }, info);
    })
    .get('/workers/scripts/:name/versions/:id', (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const version = account.version(worker.name, c.req.param('id'));
      if (!version) throw noSuchVersion(c.req.param('id'));
      return ok(c, whole(version));
    })
    .post('/workers/scripts/:name/versions', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const source = sourceOf(c);
      const before = account.newest(worker);
      const context = { account, worker: worker.name, before, source, isStrict: isStrict(c) };
      const { version, settings } = await readUpload(c.req.raw, context);
      addVersion(account, worker.name, version, settings);
      return ok(c, { ...whole(version), startup_time_ms: 0 });
    });
}

function described({ id, number, created_on, source, annotations }: VersionSummary): object {
  const metadata = { created_on, modified_on: created_on, source, author_email: AUTHOR, hasPreview: false };
  return { id, number, metadata, annotations };
}

function whole(version: Version): object {
  const script = { etag: version.etag, handlers: ['fetch'], last_deployed_from: version.source };
  const script_runtime = {
    compatibility_date: version.compatibility_date,
    compatibility_flags: version.compatibility_flags,
    usage_model: 'standard',
    ...(version.limits && { limits: version.limits }),
  };
  return {
    ...described(version),
    resources: { script, script_runtime, bindings: version.bindings.map(shown) },
  };
}
