// Which Worker, or the API, a request is for: decided by its Host header.

import type { IncomingMessage } from 'node:http';
import type { Zones } from '../state/zones.ts';
import { workerAt } from './routes.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const SUFFIX = '.localhost';

/** Hosts on which Workers are never served. A name that begins with a dot includes its subdomains. */
export type ReservedHosts = readonly string[];

export interface Target {
  name: string;
  /** The request used the Worker's own host, which can be disabled, and not a host of a zone. */
  isOwnHost: boolean;
}

export type Destination =
  | { kind: 'api' }
  | ({ kind: 'worker' } & Target)
  | { kind: 'none' }
  /** The target of the request is not a path, but `*` or a whole URL, as for a proxy. */
  | { kind: 'malformed' };

/** Unknown hosts are rejected: they may be a website whose name resolves to this machine (DNS rebinding). */
export function destination(
  zones: Zones,
  reserved: ReservedHosts,
  { headers, url = '' }: IncomingMessage,
): Destination {
  if (!url.startsWith('/')) return { kind: 'malformed' };
  const hostname = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (LOOPBACK.includes(hostname)) return { kind: 'api' };
  if (hostname.endsWith(SUFFIX))
    return { kind: 'worker', name: hostname.slice(0, -SUFFIX.length), isOwnHost: true };
  if (reserved.some((name) => isWithin(hostname, name))) return { kind: 'none' };
  const routed = workerAt(zones, hostname, pathOf(url));
  return routed === undefined ? { kind: 'none' } : { kind: 'worker', name: routed, isOwnHost: false };
}

/** The path as Workers see it: without the query, and with `.` and `..` resolved. */
export const pathOf = (url: string): string => new URL(`http://localhost${url}`).pathname;

const isWithin = (hostname: string, name: string): boolean =>
  name.startsWith('.') ? `.${hostname}`.endsWith(name) : hostname === name;
