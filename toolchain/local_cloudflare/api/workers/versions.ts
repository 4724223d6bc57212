// The versions of a Worker. Its group is started only when a version is deployed.

import { Hono } from 'hono';
import { serializeBinding } from '../../groups/bindings.ts';
import { noSuchVersion, noVersions, unsupported } from '../../http/errors.ts';
import { checkSettings, readObject } from '../../http/requests.ts';
import { ok, paginate } from '../../http/responses.ts';
import { MAX_VERSIONS } from '../../state/account.ts';
import { AUTHOR_EMAIL, newId, now } from '../../state/new_records.ts';
import type { Binding, Source, Version, VersionSummary, Worker } from '../../state/records.ts';
import { addVersion } from '../../workers/deploy.ts';
import { hasPreviews } from '../../workers/previews.ts';
import { readUpload } from '../../workers/upload.ts';
import { type Platform, requestedWorker, sourceOf } from '../context/platform.ts';
import { isStrict } from './scripts.ts';

const PATCHED = ['env', 'annotations'];

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
      return ok(c, { items: items.map((item) => serializeSummary(worker, item)) }, info);
    })
    .get('/workers/scripts/:name/versions/:id', (c) => {
      const worker = requestedWorker(platform, c);
      const version = account.version(worker.name, c.req.param('id'));
      if (!version) throw noSuchVersion(c.req.param('id'));
      return ok(c, serialize(worker, version));
    })
    .patch('/workers/workers/:name/versions/latest', async (c) => {
      const worker = requestedWorker(platform, c);
      const newest = account.newest(worker);
      if (!newest) throw noVersions();
      const version = patchedVersion(newest, await readObject<VersionPatch>(c), sourceOf(c));
      addVersion(account, worker.name, version);
      return ok(c, serializePatched(version));
    })
    .post('/workers/scripts/:name/versions', async (c) => {
      const worker = requestedWorker(platform, c);
      const source = sourceOf(c);
      const before = account.newest(worker);
      const context = {
        account,
        uploads: platform.assetUploads,
        worker: worker.name,
        before,
        source,
        trigger: 'version_upload' as const,
        isStrict: isStrict(c),
      };
      const { version, settings } = await readUpload(c.req.raw, context);
      const changed = addVersion(account, worker.name, version, settings);
      return ok(c, { ...serialize(changed, version), startup_time_ms: 0 });
    });
}

interface VersionPatch {
  env: Record<string, { type: string; text: string } | null>;
  annotations: Record<string, string>;
}

/** A copy of a version with other secrets; null removes a secret. */
function patchedVersion(before: Version, patch: Partial<VersionPatch>, source: Source): Version {
  checkSettings(patch, PATCHED, 'a version');
  const changes = Object.entries(patch.env ?? {});
  const names = changes.map(([name]) => name);
  const added = changes.flatMap(([name, secret]) => (secret ? [checkSecret(name, secret)] : []));
  return {
    ...before,
    id: newId(),
    number: before.number + 1,
    created_on: now(),
    source,
    bindings: [...before.bindings.filter(({ name }) => !names.includes(name)), ...added],
    annotations: { 'workers/triggered_by': 'secret', ...patch.annotations },
  };
}

function checkSecret(name: string, { type, text }: { type?: string; text?: string }): Binding {
  if (type !== 'secret_text' || typeof text !== 'string')
    throw unsupported(
      `The embedded platform can only change secrets of a version, and "${name}" has the type "${type}"`,
    );
  return { name, type, text };
}

function serializePatched(version: Version): object {
  const { id, number, created_on, annotations, source, compatibility_date, compatibility_flags } = version;
  const bindings = version.bindings.map(serializeBinding);
  return { id, number, created_on, annotations, source, compatibility_date, compatibility_flags, bindings };
}

function serializeSummary(worker: Worker, version: VersionSummary): object {
  const { id, number, created_on, source, annotations } = version;
  const isPreviewed = hasPreviews(worker);
  const metadata = {
    created_on,
    modified_on: created_on,
    source,
    author_email: AUTHOR_EMAIL,
    hasPreview: isPreviewed,
    has_preview: isPreviewed, // wrangler reads this one
  };
  return { id, number, metadata, annotations };
}

function serialize(worker: Worker, version: Version): object {
  const script = { etag: version.etag, handlers: version.handlers ?? [], last_deployed_from: version.source };
  const script_runtime = {
    compatibility_date: version.compatibility_date,
    compatibility_flags: version.compatibility_flags,
    usage_model: 'standard',
    ...(version.limits && { limits: version.limits }),
  };
  return {
    ...serializeSummary(worker, version),
    resources: { script, script_runtime, bindings: version.bindings.map(serializeBinding) },
  };
}
