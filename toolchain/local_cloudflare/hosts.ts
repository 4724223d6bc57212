// Who a request is for, by its Host header.

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const SUFFIX = '.localhost';

export type Destination = { kind: 'api' } | { kind: 'worker'; name: string } | { kind: 'nobody' };

/** Any other host is a page elsewhere whose name was pointed at this machine (DNS rebinding). */
export function destination(host: string | undefined): Destination {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  if (LOOPBACK.includes(name)) return { kind: 'api' };
  if (name.endsWith(SUFFIX)) return { kind: 'worker', name: name.slice(0, -SUFFIX.length) };
  return { kind: 'nobody' };
}
