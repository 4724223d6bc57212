// Which Worker a host and a path of the account's zones belong to.

import type { Route } from '../state/records.ts';
import type { Zones } from '../state/zones.ts';

export interface Pattern {
  /** Without what stands before it for its subdomains. */
  host: string;
  hosts: 'one' | 'subdomains' | 'both';
  path: string;
  isPrefix: boolean;
}

const PATTERN = /^(?:https?:\/\/)?(\*\.?)?([^/*?:]+)(\/[^*?]*)?(\*)?$/i;

/** Read a route's pattern: wildcards stand at the start of the host and at the end of the path, and nowhere else. */
export function parsePattern(text: string): Pattern | undefined {
  const [, star, host, path = '/', end] = PATTERN.exec(text) ?? [];
  if (host === undefined) return undefined;
  const hosts = star === undefined ? 'one' : star === '*' ? 'both' : 'subdomains';
  return { host: host.toLowerCase(), hosts, path, isPrefix: end !== undefined };
}

function matches({ host, hosts, path, isPrefix }: Pattern, asked: { host: string; path: string }): boolean {
  const isHost = hosts !== 'subdomains' && asked.host === host;
  const isBelow = hosts !== 'one' && asked.host.endsWith(`.${host}`);
  return (isHost || isBelow) && (isPrefix ? asked.path.startsWith(path) : asked.path === path);
}

/** Whether one says more than the other: first by its host, then by its path. */
function compare(one: Pattern, other: Pattern): number {
  return (
    Number(other.hosts === 'one') - Number(one.hosts === 'one') ||
    other.host.length - one.host.length ||
    Number(other.hosts === 'subdomains') - Number(one.hosts === 'subdomains') ||
    other.path.length - one.path.length ||
    Number(one.isPrefix) - Number(other.isPrefix)
  );
}

/** The most specific route wins; where none is, or it names no Worker, a custom domain is what lies behind. */
export function workerAt(zones: Zones, host: string, url: string): string | undefined {
  const asked = { host, path: url.split('?', 1)[0] ?? '/' };
  const [best] = zones.routes
    .all()
    .flatMap((route) => patternOf(route))
    .filter(({ pattern }) => matches(pattern, asked))
    .sort((one, other) => compare(one.pattern, other.pattern));
  const domain = zones.domains.all().find(({ hostname, enabled }) => enabled && hostname === host);
  return best?.script ?? domain?.service;
}

function patternOf({ pattern: text, script }: Route): { pattern: Pattern; script: string | null }[] {
  const pattern = parsePattern(text);
  return pattern ? [{ pattern, script }] : [];
}
