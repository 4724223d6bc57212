// The deployments of a Worker: making one of its versions live, or dividing requests between two.

import { Hono } from 'hono';
import { invalidBody, noSuchVersion, secretsChanged } from '../../http/errors.ts';
import { checkObjects, readObject } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { MAX_VERSIONS } from '../../state/account.ts';
import {
  type Binding,
  type Deployment,
  isSecret,
  type Share,
  type Version,
  type Worker,
} from '../../state/records.ts';
import { checkTargetsExist } from '../../workers/binding_targets.ts';
import { deploy, mainVersion } from '../../workers/deploy.ts';
import { type Platform, requestedWorker, sourceOf } from '../context/platform.ts';

const MAX_SHARES = 2;
const ROUNDING = 0.01;

export function deployments(platform: Platform): Hono {
  return new Hono()
    .get('/workers/scripts/:name/deployments', (c) =>
      ok(c, { deployments: requestedWorker(platform, c).deployments }),
    )
    .post('/workers/scripts/:name/deployments', async (c) => {
      const worker = requestedWorker(platform, c);
      const body = await readObject<Deployment>(c);
      const shares = readShares(body.versions);
      const isForced = c.req.query('force') === 'true';
      const found = shares.map(({ version_id }) => deployableVersion(platform, worker, version_id));
      for (const version of found)
        checkTargetsExist(version.bindings, {
          account: platform.account,
          worker: worker.name,
          namespaces: worker.namespaces,
        });
      const secrets = found.map((version) => secretsFor(platform, worker, { version, isForced }));
      const main = mainVersion(shares);
      return ok(
        c,
        await deploy(platform, {
          name: worker.name,
          versions: shares,
          source: sourceOf(c),
          annotations: body.annotations ?? {},
          secrets: secrets[found.findIndex(({ id }) => id === main)],
        }),
      );
    });
}

/** Return a version that can be deployed: one of the newest, or the live one. */
function deployableVersion({ account }: Platform, worker: Worker, id: string): Version {
  const ids = worker.versions.slice(0, MAX_VERSIONS).map((version) => version.id);
  const isLive = account.shares(worker).some((share) => share.version_id === id);
  const version = ids.includes(id) || isLive ? account.version(worker.name, id) : undefined;
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
  if (worker.split?.some((share) => share.version_id === version.id)) return undefined;
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

/** A deployment has one version or two, and their shares add up to 100 percent. */
function readShares(versions: unknown): Share[] {
  const shares = checkObjects<Share>(versions ?? [], 'the versions').map(({ version_id, percentage }) => ({
    version_id: String(version_id),
    percentage: Number(percentage),
  }));
  const ids = new Set(shares.map(({ version_id }) => version_id));
  if (shares.length === 0 || shares.length > MAX_SHARES || ids.size < shares.length)
    throw invalidBody(`a deployment must have 1 to ${MAX_SHARES} different versions`);
  if (!shares.every(({ percentage }) => percentage >= 0 && percentage <= 100))
    throw invalidBody('the percentage of a version must be a number from 0 to 100');
  const total = shares.reduce((sum, { percentage }) => sum + percentage, 0);
  if (Math.abs(total - 100) > ROUNDING)
    throw invalidBody(`the percentages of a deployment must add up to 100, not ${total}`);
  return shares;
}
