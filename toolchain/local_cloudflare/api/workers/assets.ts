// Uploading the static files of a Worker, before the Worker itself.

import { type Context, Hono } from 'hono';
import { invalidAssets } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { bearerToken } from '../context/authorization.ts';
import type { Platform } from '../context/platform.ts';

export function assetSessions({ assetUploads }: Platform): Hono {
  return new Hono().post('/workers/scripts/:name/assets-upload-session', async (c) => {
    const { manifest } = await readObject<{ manifest: unknown }>(c);
    return ok(c, assetUploads.start(c.req.param('name'), manifest));
  });
}

/** The session's own token is sent instead of an API token. */
export function assetFiles({ assetUploads }: Platform): Hono {
  return new Hono().post('/workers/assets/upload', async (c) => {
    const token = bearerToken(c);
    assetUploads.check(token);
    const jwt = assetUploads.receive(token, await readFiles(c));
    c.status(jwt === undefined ? 202 : 201);
    return ok(c, { jwt: jwt ?? null });
  });
}

async function readFiles(c: Context): Promise<Map<string, Buffer>> {
  const form = await c.req.raw.formData().catch(() => {
    throw invalidAssets('the body must be multipart/form-data');
  });
  if (c.req.query('base64') !== 'true') throw invalidAssets('the files must be sent in base64: ?base64=true');
  const files = new Map<string, Buffer>();
  for (const [hash, part] of form) {
    const text = part instanceof File ? await part.text() : part;
    files.set(hash, Buffer.from(text, 'base64'));
  }
  return files;
}
