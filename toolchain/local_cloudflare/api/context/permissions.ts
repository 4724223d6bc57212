// Which of Cloudflare's permissions a call needs. Write permissions include reading.

import type { Token } from '../../state/tokens.ts';

const ACCOUNT = '^/accounts/[^/]+';
const ZONE = '^/zones/[^/]+';

/** The first match applies; any other call needs a token but no permission. */
const GROUPS = [
  [`${ACCOUNT}/tokens/verify$`, undefined],
  [`${ACCOUNT}$`, 'Account Settings'],
  [`${ACCOUNT}/workers/scripts/[^/]+/routes$`, 'Workers Routes'],
  [`${ACCOUNT}/workers/services/[^/]+/environments/[^/]+/routes$`, 'Workers Routes'],
  [`${ACCOUNT}/workers/scripts/[^/]+/tails`, 'Workers Tail'],
  [`${ACCOUNT}/(workers|workflows)(/|$)`, 'Workers Scripts'],
  [`${ACCOUNT}/storage/kv/`, 'Workers KV Storage'],
  [`${ACCOUNT}/d1/`, 'D1'],
  [`${ACCOUNT}/r2/`, 'Workers R2 Storage'],
  [`${ACCOUNT}/queues(/|$)`, 'Queues'],
  [`${ZONE}/workers/`, 'Workers Routes'],
  [`${ZONE}/dns_records(/|$)`, 'DNS'],
  ['^/zones(/|$)', 'Zone'],
].map(([path = '', group]) => ({ path: new RegExp(path), group }));

/** Groups that have only a read permission. */
const READ_ONLY = ['Workers Tail', 'Account Settings'];

export function isAllowed(token: Token, method: string, path: string): boolean {
  const group = GROUPS.find((group) => group.path.test(path))?.group;
  const isReading = method === 'GET' || (group !== undefined && READ_ONLY.includes(group));
  const zone = /^\/zones\/([^/]+)/.exec(path)?.[1];
  const isForZone = zone === undefined || (token.zones?.includes(zone) ?? true);
  return isForZone && (group === undefined || hasPermission(token, group, isReading ? 'Read' : 'Write'));
}

export function hasPermission({ permissions }: Token, group: string, right: 'Read' | 'Write'): boolean {
  const sufficient = right === 'Read' ? [`${group} Read`, `${group} Write`] : [`${group} Write`];
  return permissions === undefined || sufficient.some((name) => permissions.includes(name));
}
