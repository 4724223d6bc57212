// Preview URLs: a version that is not deployed starts when its URL is requested.

import type { Worker } from '../state/records.ts';
import type { DeployContext } from './deploy.ts';

const MAX_PREVIEWS = 3;

/** As on Cloudflare, a Worker with Durable Objects has no preview URLs. */
export const hasPreviews = ({ subdomain, namespaces = [] }: Worker): boolean =>
  subdomain.previews_enabled && namespaces.length === 0;

/** Run a version for its preview URL, along with the few most recently requested ones. */
export async function runPreview(
  { account, groups }: DeployContext,
  worker: string,
  id: string,
): Promise<void> {
  const before = account.previews(worker);
  if (before.includes(id)) return;
  await groups.apply({
    change: () => account.setPreviews(worker, [id, ...before].slice(0, MAX_PREVIEWS)),
    undo: () => account.setPreviews(worker, before),
    mustStart: `worker:${worker}`,
  });
}
