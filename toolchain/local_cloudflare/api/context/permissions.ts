// Which permission group of Cloudflare's a call needs. To write is to be allowed to read.

import type { Token } from '../../state/tokens.ts';

const ACCOUNT = '^/accounts/[^/]+';
const ZONE = '^/zones/[^/]+';

/** The first that matches; a call that stands nowhere needs a token, and no permission. */
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

/** Groups of which there is nothing but the right to read. */
const READ_ONLY = ['Workers Tail', 'Account Settings'];

export function mayCall(token: Token, method: string, path: string): boolean {
  const group = GROUPS.find((known) => known.path.test(path))?.group;
  const isReading = method === 'GET' || (group !== undefined && READ_ONLY.includes(group));
  const zone = /^\/zones\/([^/]+)/.exec(path)?.[1];
  const reaches = zone === undefined || (token.zones?.includes(zone) ?? true);
  return reaches && (group === undefined || holds(token, group, isReading ? 'Read' : 'Write'));
}

export function holds({ permissions }: Token, group: string, right: 'Read' | 'Write'): boolean {
  const sufficient = right === 'Read' ? [`${group} Read`, `${group} Write`] : [`${group} Write`];
  return permissions === undefined || sufficient.some((name) => permissions.includes(name));
}
