// Which Worker, or the API, a request is for: decided by its Host header.

import type { Zones } from '../state/zones.ts';
import { workerAt } from './routes.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const SUFFIX = '.localhost';

export interface Target {
  name: string;
  /** The request used the Worker's own host, which can be disabled, and not a host of a zone. */
  isOwnHost: boolean;
}

export type Destination = { kind: 'api' } | ({ kind: 'worker' } & Target) | { kind: 'none' };

/** Unknown hosts are rejected: they may be a website whose name resolves to this machine (DNS rebinding). */
export function destination(zones: Zones, host: string | undefined, url: string | undefined): Destination {
  const hostname = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (LOOPBACK.includes(hostname)) return { kind: 'api' };
  if (hostname.endsWith(SUFFIX))
    return { kind: 'worker', name: hostname.slice(0, -SUFFIX.length), isOwnHost: true };
  const routed = workerAt(zones, hostname, url ?? '/');
  return routed === undefined ? { kind: 'none' } : { kind: 'worker', name: routed, isOwnHost: false };
}
