// The versions of a Worker. Its group is started only when a version is deployed.

import { Hono } from 'hono';
import { serializeBinding } from '../../groups/bindings.ts';
import { noSuchVersion } from '../../http/errors.ts';
import { ok, paginate } from '../../http/responses.ts';
import { MAX_VERSIONS } from '../../state/account.ts';
import { AUTHOR_EMAIL } from '../../state/new_records.ts';
import type { Version, VersionSummary } from '../../state/records.ts';
import { addVersion } from '../../workers/deploy.ts';
import { readUpload } from '../../workers/upload.ts';
import { type Platform, requestedWorker, sourceOf } from '../context/platform.ts';
import { isStrict } from './scripts.ts';

export function versions(platform: Platform): Hono {
  const { account } = platform;
  return new Hono()
    .get('/workers/scripts/:name/versions', (c) => {
      const worker = requestedWorker(platform, c);
      const isAll = c.req.query('deployable') === 'true';
      const { items, info } = paginate(
        c,
        worker.versions.slice(0, MAX_VERSIONS),
        isAll ? MAX_VERSIONS : undefined,
      );
      return ok(c, { items: items.map(serializeSummary) }, info);
    })
    .get('/workers/scripts/:name/versions/:id', (c) => {
      const worker = requestedWorker(platform, c);
      const version = account.version(worker.name, c.req.param('id'));
      if (!version) throw noSuchVersion(c.req.param('id'));
      return ok(c, serialize(version));
    })
    .post('/workers/scripts/:name/versions', async (c) => {
      const worker = requestedWorker(platform, c);
      const source = sourceOf(c);
      const before = account.newest(worker);
      const context = {
        account,
        worker: worker.name,
        before,
        source,
        trigger: 'version_upload' as const,
        isStrict: isStrict(c),
      };
      const { version, settings } = await readUpload(c.req.raw, context);
      addVersion(account, worker.name, version, settings);
      return ok(c, { ...serialize(version), startup_time_ms: 0 });
    });
}

function serializeSummary({ id, number, created_on, source, annotations }: VersionSummary): object {
  const metadata = {
    created_on,
    modified_on: created_on,
    source,
    author_email: AUTHOR_EMAIL,
    hasPreview: false,
  };
  return { id, number, metadata, annotations };
}

function serialize(version: Version): object {
  const script = { etag: version.etag, handlers: version.handlers ?? [], last_deployed_from: version.source };
  const script_runtime = {
    compatibility_date: version.compatibility_date,
    compatibility_flags: version.compatibility_flags,
    usage_model: 'standard',
    ...(version.limits && { limits: version.limits }),
  };
  return {
    ...serializeSummary(version),
    resources: { script, script_runtime, bindings: version.bindings.map(serializeBinding) },
  };
}
