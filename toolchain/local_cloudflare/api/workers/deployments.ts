// The deployments of a Worker: making one of its versions live.

import { Hono } from 'hono';
import { invalidBody, noSuchVersion, secretsChanged } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { MAX_VERSIONS } from '../../state/account.ts';
import { type Binding, type Deployment, isSecret, type Version, type Worker } from '../../state/records.ts';
import { checkTargetsExist } from '../../workers/binding_targets.ts';
import { deploy } from '../../workers/deploy.ts';
import { type Platform, requestedWorker, sourceOf } from '../context/platform.ts';

export function deployments(platform: Platform): Hono {
  return new Hono()
    .get('/workers/scripts/:name/deployments', (c) =>
      ok(c, { deployments: requestedWorker(platform, c).deployments }),
    )
    .post('/workers/scripts/:name/deployments', async (c) => {
      const worker = requestedWorker(platform, c);
      const body = await readObject<Deployment>(c);
      const version = deployableVersion(platform, worker, onlyVersion(body.versions));
      const { account } = platform;
      checkTargetsExist(version.bindings, { account, worker: worker.name });
      return ok(
        c,
        await deploy(platform, {
          name: worker.name,
          version: version.id,
          source: sourceOf(c),
          annotations: body.annotations ?? {},
          secrets: secretsFor(platform, worker, { version, isForced: c.req.query('force') === 'true' }),
        }),
      );
    });
}

/** Return a version that can be deployed: one of the newest, or the live one. */
function deployableVersion({ account }: Platform, worker: Worker, id: string): Version {
  const ids = worker.versions.slice(0, MAX_VERSIONS).map((version) => version.id);
  const version = ids.includes(id) || id === worker.live ? account.version(worker.name, id) : undefined;
  if (!version) throw noSuchVersion(id);
  return version;
}

interface SecretOptions {
  version: Version;
  isForced: boolean;
}

/**
 * Secrets are not rolled back with the code: if they changed since the version was created, it is only deployed by force,
 * and with the secrets of the newest version. A version that is already live keeps its secrets.
 */
function secretsFor(
  { account }: Platform,
  worker: Worker,
  { version, isForced }: SecretOptions,
): Binding[] | undefined {
  if (version.id === worker.live) return worker.live_secrets;
  const current = account.newest(worker)?.bindings.filter(isSecret) ?? [];
  const changed = changedSecrets(version.bindings.filter(isSecret), current);
  if (changed.length === 0) return undefined;
  if (!isForced) throw secretsChanged(changed);
  return current;
}

/** The names of secrets that were added, removed, or have another value. */
function changedSecrets(before: Binding[], after: Binding[]): string[] {
  const has = (all: Binding[], { name, text }: Binding) =>
    all.some((other) => other.name === name && other.text === text);
  const changed = [
    ...before.filter((secret) => !has(after, secret)),
    ...after.filter((secret) => !has(before, secret)),
  ];
  return [...new Set(changed.map(({ name }) => name))].sort();
}

/** The embedded platform does not split traffic between versions. */
function onlyVersion(versions: Deployment['versions'] | undefined): string {
  const [only, ...others] = versions ?? [];
  if (!only || others.length > 0 || only.percentage !== 100)
    throw invalidBody('the embedded platform can only deploy one version, with 100 percent of the traffic');
  return only.version_id;
}
