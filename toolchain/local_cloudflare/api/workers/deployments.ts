import { Hono } from 'hono';
import { invalidBody, noSuchVersion, secretsChanged } from '../../http/errors.ts';
import { bodyOf } from '../../http/requests.ts';
import { ok } from '../../http/responses.ts';
import { VERSIONS_KEPT } from '../../state/account.ts';
import { type Binding, type Deployment, isSecret, type Version, type Worker } from '../../state/records.ts';
import { checkExist } from '../../workers/binding_targets.ts';
import { deploy } from '../../workers/deploy.ts';
import { type Platform, sourceOf, workerOf } from '../context/platform.ts';

export function deployments(platform: Platform): Hono {
  return new Hono()
    .get('/workers/scripts/:name/deployments', (c) =>
      ok(c, { deployments: workerOf(platform, c.req.param('name')).deployments }),
    )
    .post('/workers/scripts/:name/deployments', async (c) => {
      const worker = workerOf(platform, c.req.param('name'));
      const body = await bodyOf<Deployment>(c);
      const version = deployable(platform, worker, wholeTraffic(body.versions));
      const { account } = platform;
      checkExist(version.bindings, { account, worker: worker.name });
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

/** Only the newest can be deployed, and what is live. */
function deployable({ account }: Platform, worker: Worker, id: string): Version {
  const ids = worker.versions.slice(0, VERSIONS_KEPT).map((version) => version.id);
  const version = ids.includes(id) || id === worker.live ? account.version(worker.name, id) : undefined;
  if (!version) throw noSuchVersion(id);
  return version;
}

interface Wanted {
  version: Version;
  isForced: boolean;
}

/**
 * Secrets do not go back with the code: where they changed since the version was made, it is refused, or by force goes
 * live with those of the newest version. What is live already stays with what it has.
 */
function secretsFor(
  { account }: Platform,
  worker: Worker,
  { version, isForced }: Wanted,
): Binding[] | undefined {
  if (version.id === worker.live) return worker.live_secrets;
  const today = account.newest(worker)?.bindings.filter(isSecret) ?? [];
  const changed = difference(version.bindings.filter(isSecret), today);
  if (changed.length === 0) return undefined;
  if (!isForced) throw secretsChanged(changed);
  return today;
}

/** The names that were added, taken away, or given another value. */
function difference(before: Binding[], after: Binding[]): string[] {
  const has = (all: Binding[], { name, text }: Binding) =>
    all.some((other) => other.name === name && other.text === text);
  const changed = [...before.filter((one) => !has(after, one)), ...after.filter((one) => !has(before, one))];
  return [...new Set(changed.map(({ name }) => name))].sort();
}

/** This platform sends every request to one version. */
function wholeTraffic(versions: Deployment['versions'] | undefined): string {
  const [only, ...others] = versions ?? [];
  if (!only || others.length > 0 || only.percentage !== 100)
    throw invalidBody('the embedded platform deploys one version to 100 percent of the requests');
  return only.version_id;
}
