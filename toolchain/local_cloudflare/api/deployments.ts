import { Hono } from 'hono';
import { deploy } from '../deploying.ts';
import { ok } from '../envelope.ts';
import { invalidBody, noSuchVersion } from '../errors.ts';
import type { Deployment } from '../model.ts';
import { bodyOf, type Platform, sourceOf, workerOf } from '../platform.ts';

export function deployments(platform: Platform): Hono {
  return new Hono()
    .get('/workers/scripts/:name/deployments', (c) =>
      ok(c, { deployments: workerOf(platform, c.req.param('name')).deployments }),
    )
    .post('/workers/scripts/:name/deployments', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const body = await bodyOf<Deployment>(c);
      const version = wholeTraffic(body.versions);
      if (!worker.versions.some(({ id }) => id === version)) throw noSuchVersion(version);
      const order = { name: worker.name, version, source: sourceOf(c), annotations: body.annotations ?? {} };
      return ok(c, await deploy(platform, order));
    });
}

/** This platform sends every request to one version. */
function wholeTraffic(versions: Deployment['versions'] | undefined): string {
  const [only, ...others] = versions ?? [];
  if (!only || others.length > 0 || only.percentage !== 100)
    throw invalidBody('the embedded platform deploys one version to 100 percent of the requests');
  return only.version_id;
}
