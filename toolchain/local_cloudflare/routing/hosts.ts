// Who a request is for, by its Host header.

import type { Zones } from '../state/zones.ts';
import { workerAt } from './routes.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const SUFFIX = '.localhost';

export interface Target {
  name: string;
  /** By the Worker's own host, which can be turned off, and not by a host of a zone. */
  isOwnHost: boolean;
}

export type Destination = { kind: 'api' } | ({ kind: 'worker' } & Target) | { kind: 'nobody' };

/** Any other host is a page elsewhere whose name was pointed at this machine (DNS rebinding). */
export function destination(zones: Zones, host: string | undefined, url: string | undefined): Destination {
  const asked = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (LOOPBACK.includes(asked)) return { kind: 'api' };
  if (asked.endsWith(SUFFIX))
    return { kind: 'worker', name: asked.slice(0, -SUFFIX.length), isOwnHost: true };
  const routed = workerAt(zones, asked, url ?? '/');
  return routed === undefined ? { kind: 'nobody' } : { kind: 'worker', name: routed, isOwnHost: false };
}
