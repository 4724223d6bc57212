// Deploys versions: the live version of a Worker serves its requests.

import type { Groups } from '../groups/groups.ts';
import { newestNotDeployed } from '../http/errors.ts';
import type { Account } from '../state/account.ts';
import { AUTHOR_EMAIL, newId, newWorker, now } from '../state/new_records.ts';
import type {
  Binding,
  Deployment,
  Share,
  Source,
  Version,
  VersionSummary,
  Worker,
} from '../state/records.ts';
import { deletedNamespaces, type MigratedWorker } from './durable_objects.ts';

export interface DeployContext {
  account: Account;
  groups: Groups;
}

const MAX_DEPLOYMENTS = 100;

/** Store a version without deploying it; the Worker is created if necessary. */
export function addVersion(account: Account, name: string, version: Version, settings: object = {}): Worker {
  const worker = account.workers.get(name) ?? newWorker(name, version.source);
  account.saveVersion(name, version);
  const changed = {
    ...worker,
    versions: [toSummary(version), ...worker.versions],
    settings: { ...worker.settings, ...settings },
  };
  account.saveWorker(changed);
  return changed;
}

export function toSummary({ id, number, created_on, source, annotations }: Version): VersionSummary {
  return { id, number, created_on, source, annotations };
}

export interface DeployRequest {
  name: string;
  versions: Share[];
  source: Source;
  annotations: Record<string, string>;
  /** The current secrets, if they replace those of the main version. */
  secrets?: Binding[];
  /** The Worker's new Durable Object classes, if migrations change them. */
  migrated?: MigratedWorker;
}

/** Make the versions live. If their group does not start, the previous ones stay live and the error is thrown. */
export async function deploy(
  { account, groups }: DeployContext,
  request: DeployRequest,
): Promise<Deployment> {
  const { live, split, live_secrets, last_deployed_from, modified_on, namespaces, migration_tag } =
    account.workers.get(request.name) ?? newWorker(request.name, request.source);
  const update = (fields: Partial<Worker>) => () => {
    const worker = account.workers.get(request.name);
    if (worker) account.workers.set(request.name, { ...worker, ...fields });
  };
  await groups.apply({
    change: update({
      ...request.migrated,
      live: mainVersion(request.versions),
      split: request.versions.length > 1 ? request.versions : undefined,
      live_secrets: request.secrets,
      last_deployed_from: request.source,
      modified_on: now(),
    }),
    undo: update({
      live,
      split,
      live_secrets,
      last_deployed_from,
      modified_on,
      namespaces,
      migration_tag,
    }),
    mustStart: `worker:${request.name}`,
  });
  const deployment = newDeployment(request);
  const worker = account.workers.get(request.name);
  if (worker) account.saveWorker(withDeployment(worker, deployment));
  for (const id of deletedNamespaces(namespaces, worker?.namespaces)) groups.erase(`do:${id}`);
  return deployment;
}

function withDeployment(worker: Worker, deployment: Deployment): Worker {
  return { ...worker, deployments: [deployment, ...worker.deployments].slice(0, MAX_DEPLOYMENTS) };
}

/** The first version with the largest share, which other Workers and Workflows use too. */
export function mainVersion(versions: Share[]): string {
  const [main] = [...versions].sort((first, second) => second.percentage - first.percentage);
  return main?.version_id ?? '';
}

function newDeployment({ versions, source, annotations }: DeployRequest): Deployment {
  return {
    id: newId(),
    created_on: now(),
    source,
    strategy: 'percentage',
    versions,
    annotations,
    author_email: AUTHOR_EMAIL,
  };
}

/** Deploy a version that was just added; if it does not start, it is deleted. */
export async function deployNew(
  context: DeployContext,
  name: string,
  version: Version,
  migrated?: MigratedWorker,
): Promise<void> {
  const { id, source, annotations } = version;
  try {
    await deploy(context, {
      name,
      versions: [{ version_id: id, percentage: 100 }],
      source,
      annotations,
      migrated,
    });
  } catch (error) {
    context.account.discardVersion(name, id);
    throw error;
  }
}

/** The live version; throws an error with the given code unless the newest version serves all requests. */
export function liveAndNewest(account: Account, worker: Worker, errorCode: number): Version {
  const live = account.live(worker);
  if (!live || worker.split || worker.versions[0]?.id !== live.id) throw newestNotDeployed(errorCode);
  return live;
}

/** Deploy the live version with other bindings or settings, as a new version. */
export async function redeploy(
  context: DeployContext,
  worker: Worker,
  change: { source: Source; triggeredBy: string; bindings: Binding[]; settings?: Partial<Version> },
): Promise<void> {
  const { account } = context;
  const live = account.live(worker);
  if (!live) return;
  const version: Version = {
    ...live,
    ...change.settings,
    id: newId(),
    number: (worker.versions[0]?.number ?? 0) + 1,
    created_on: now(),
    source: change.source,
    bindings: change.bindings,
    annotations: { 'workers/triggered_by': change.triggeredBy },
  };
  addVersion(account, worker.name, version);
  await deployNew(context, worker.name, version);
}
