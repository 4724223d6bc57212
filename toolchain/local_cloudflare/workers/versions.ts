// Chooses the version of a Worker for a request: by a gradual deployment, or by a preview URL.

import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Account } from '../state/account.ts';
import { variantName } from '../state/nodes.ts';
import type { Share, VersionSummary, Worker } from '../state/records.ts';

const OVERRIDES = 'cloudflare-workers-version-overrides';
const KEY = 'cloudflare-workers-version-key';
/** A member of a dictionary (RFC 8941) whose value is a string. */
const MEMBER = /^\s*([a-z*][a-z0-9_.*-]*)\s*=\s*"([^"\\]*)"\s*$/;
const PREFIX_LENGTH = 8;
const ALIAS = 'workers/alias';

/** The name under which the version for a request runs. */
export function chooseVersion(account: Account, worker: Worker, headers: IncomingHttpHeaders = {}): string {
  const shares = account.shares(worker);
  const id = overridden(worker, shares, headers[OVERRIDES]) ?? byShare(worker, shares, headers[KEY]);
  return runtimeName(worker, id);
}

const runtimeName = (worker: Worker, id: string): string =>
  id === worker.live || id === '' ? worker.name : variantName(worker.name, id);

/** A version of the current deployment, even with a share of 0 percent; anything else is ignored. */
function overridden(
  worker: Worker,
  shares: Share[],
  header: string | string[] | undefined,
): string | undefined {
  if (header === undefined) return undefined;
  const members = String(header)
    .split(',')
    .map((member) => MEMBER.exec(member));
  if (!members.every((member) => member !== null)) return undefined;
  const id = new Map(members.map(([, name = '', value = '']) => [name, value])).get(worker.name);
  return shares.find(({ version_id }) => version_id === id)?.version_id;
}

/**
 * A key always gets the same version of a deployment. The newest version takes the lowest numbers, so a key that gets
 * this version keeps it while its share grows.
 */
function byShare(worker: Worker, shares: Share[], key: string | string[] | undefined): string {
  let position = key === undefined ? Math.random() * 100 : percentileOf(`${worker.tag}:${key}`);
  const age = ({ version_id }: Share) => worker.versions.findIndex(({ id }) => id === version_id);
  for (const share of [...shares].sort((first, second) => age(first) - age(second))) {
    if (position < share.percentage) return share.version_id;
    position -= share.percentage;
  }
  return worker.live;
}

const percentileOf = (key: string): number =>
  (createHash('sha256').update(key).digest().readUInt32BE() / 2 ** 32) * 100;

export interface Preview {
  worker: Worker;
  version: VersionSummary;
  /** The name under which the version runs. */
  name: string;
}

/** The version whose URL has this host: `<first 8 characters of its id>-<worker>` or `<alias>-<worker>`. */
export function previewAt(account: Account, host: string): Preview | undefined {
  for (let dash = host.indexOf('-'); dash > 0; dash = host.indexOf('-', dash + 1)) {
    const worker = account.workers.get(host.slice(dash + 1));
    const version = worker && previewed(worker, host.slice(0, dash));
    if (worker && version) return { worker, version, name: runtimeName(worker, version.id) };
  }
  return undefined;
}

/** An alias belongs to the newest version that was uploaded with it. */
function previewed({ versions }: Worker, name: string): VersionSummary | undefined {
  return versions.find(
    ({ id, annotations }) => annotations[ALIAS] === name || id.slice(0, PREFIX_LENGTH) === name,
  );
}
