// A version becomes the one that answers.

import type { Groups } from '../groups/groups.ts';
import type { Account } from '../state/account.ts';
import { newId, newWorker, now } from '../state/new_records.ts';
import type { Binding, Deployment, Source, Version, VersionSummary, Worker } from '../state/records.ts';

export interface Deploying {
  account: Account;
  groups: Groups;
}

const DEPLOYMENTS_KEPT = 100;
const AUTHOR = 'local@localhost';

/** Keep a version that is not live yet; the Worker is made if there is none. */
export function addVersion(account: Account, name: string, version: Version, settings: object = {}): Worker {
  const worker = account.workers.get(name) ?? newWorker(name, version.source);
  account.keepVersion(name, version);
  const changed = {
    ...worker,
    versions: [summaryOf(version), ...worker.versions],
    settings: { ...worker.settings, ...settings },
  };
  account.keepWorker(changed);
  return changed;
}

export function summaryOf({ id, number, created_on, source, annotations }: Version): VersionSummary {
  return { id, number, created_on, source, annotations };
}

export interface Order {
  name: string;
  version: string;
  source: Source;
  annotations: Record<string, string>;
  /** Today's secrets, for a version that has others. */
  secrets?: Binding[];
}

/** Make the version live. Where its group does not start, the one before stays, and the error is thrown. */
export async function deploy({ account, groups }: Deploying, order: Order): Promise<Deployment> {
  const { live, live_secrets, last_deployed_from, modified_on } =
    account.workers.get(order.name) ?? newWorker(order.name, order.source);
  const put = (fields: Partial<Worker>) => () => {
    const worker = account.workers.get(order.name);
    if (worker) account.workers.set(order.name, { ...worker, ...fields });
  };
  await groups.apply({
    change: put({
      live: order.version,
      live_secrets: order.secrets,
      last_deployed_from: order.source,
      modified_on: now(),
    }),
    undo: put({ live, live_secrets, last_deployed_from, modified_on }),
    runs: `worker:${order.name}`,
  });
  const deployment = newDeployment(order);
  const worker = account.workers.get(order.name);
  if (worker) account.keepWorker(deployed(worker, deployment));
  return deployment;
}

function deployed(worker: Worker, deployment: Deployment): Worker {
  return { ...worker, deployments: [deployment, ...worker.deployments].slice(0, DEPLOYMENTS_KEPT) };
}

function newDeployment({ version, source, annotations }: Order): Deployment {
  return {
    id: newId(),
    created_on: now(),
    source,
    strategy: 'percentage',
    versions: [{ version_id: version, percentage: 100 }],
    annotations,
    author_email: AUTHOR,
  };
}

/** Deploy a version that was just added; where it does not start, it is as if it had never been. */
export async function deployNew(deploying: Deploying, name: string, version: Version): Promise<void> {
  const { id, source, annotations } = version;
  try {
    await deploy(deploying, { name, version: id, source, annotations });
  } catch (error) {
    deploying.account.forgetVersion(name, id);
    throw error;
  }
}

/** Deploy the live version again with other bindings: what a change of secrets or settings is. */
export async function rebind(
  deploying: Deploying,
  worker: Worker,
  change: { source: Source; triggeredBy: string; bindings: Binding[]; settings?: Partial<Version> },
): Promise<void> {
  const { account } = deploying;
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
  await deployNew(deploying, worker.name, version);
}
