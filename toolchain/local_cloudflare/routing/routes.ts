// Which Worker serves a URL of the account's zones: route patterns and custom domains.

import type { Route } from '../state/records.ts';
import type { Zones } from '../state/zones.ts';

export interface Pattern {
  /** Without the wildcard. */
  host: string;
  includes: 'host' | 'subdomains' | 'both';
  path: string;
  isPrefix: boolean;
}

const PATTERN = /^(?:https?:\/\/)?(\*\.?)?([^/*?:]+)(\/[^*?]*)?(\*)?$/i;

/** Parse a route pattern: wildcards are allowed only at the start of the host and the end of the path. */
export function parsePattern(text: string): Pattern | undefined {
  const [, star, host, path = '/', end] = PATTERN.exec(text) ?? [];
  if (host === undefined) return undefined;
  const includes = star === undefined ? 'host' : star === '*' ? 'both' : 'subdomains';
  return { host: host.toLowerCase(), includes, path, isPrefix: end !== undefined };
}

function matches({ host, includes, path, isPrefix }: Pattern, url: { host: string; path: string }): boolean {
  const isHost = includes !== 'subdomains' && url.host === host;
  const isSubdomain = includes !== 'host' && url.host.endsWith(`.${host}`);
  return (isHost || isSubdomain) && (isPrefix ? url.path.startsWith(path) : url.path === path);
}

/** Sort more specific patterns first: by host, then by path. */
function compareSpecificity(first: Pattern, second: Pattern): number {
  return (
    Number(second.includes === 'host') - Number(first.includes === 'host') ||
    second.host.length - first.host.length ||
    Number(second.includes === 'subdomains') - Number(first.includes === 'subdomains') ||
    second.path.length - first.path.length ||
    Number(first.isPrefix) - Number(second.isPrefix)
  );
}

/** The most specific route wins; without one, or if it has no Worker, the custom domain. */
export function workerAt(zones: Zones, host: string, path: string): string | undefined {
  const location = { host, path };
  const [best] = zones.routes
    .all()
    .flatMap((route) => patternOf(route))
    .filter(({ pattern }) => matches(pattern, location))
    .sort((first, second) => compareSpecificity(first.pattern, second.pattern));
  const domain = zones.domains.all().find(({ hostname, enabled }) => enabled && hostname === host);
  return best?.script ?? domain?.service;
}

function patternOf({ pattern: text, script }: Route): { pattern: Pattern; script: string | null }[] {
  const pattern = parsePattern(text);
  return pattern ? [{ pattern, script }] : [];
}
