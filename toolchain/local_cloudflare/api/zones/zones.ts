// Zones: the account's domains.

import { type Context, Hono } from 'hono';
import { invalidZoneName, noSuchZone, unknownAccount, zoneExists } from '../../http/errors.ts';
import { readObject } from '../../http/requests.ts';
import { ok, okPage } from '../../http/responses.ts';
import { newHexId, now } from '../../state/new_records.ts';
import type { Zone } from '../../state/records.ts';
import type { Platform } from '../context/platform.ts';

/** Neither a name of this machine nor an IP address, because those are hosts of the API. */
const NAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;
const RESERVED = /\.localhost$/;
const NAME_SERVERS = ['ada.ns.cloudflare.com', 'bob.ns.cloudflare.com'];

interface ZoneBody {
  name: string;
  account: { id?: string };
}

/** A zone is active immediately, because its name servers are never checked. */
export function zones(platform: Platform): Hono {
  const toJson = (zone: Zone) => serialize(platform, zone);
  return new Hono()
    .get('/zones', (c) => okPage(c, matching(platform, c), toJson))
    .post('/zones', async (c) => ok(c, toJson(create(platform, await readObject<ZoneBody>(c)))))
    .get('/zones/:zone', (c) => ok(c, toJson(getZone(platform, c))))
    .delete('/zones/:zone', (c) => {
      const { id } = getZone(platform, c);
      platform.account.zones.delete(id);
      return ok(c, { id });
    });
}

export function getZone({ account }: Platform, c: Context): Zone {
  const id = c.req.param('zone') ?? '';
  const zone = account.zones.all.get(id);
  if (!zone) throw noSuchZone(id);
  return zone;
}

function matching({ account }: Platform, c: Context): Zone[] {
  const { name, status = 'active', 'account.id': owner = account.id } = c.req.query();
  if (owner !== account.id || status !== 'active') return [];
  const allowed = c.get('token').zones;
  return account.zones.all
    .all()
    .filter(
      (zone) =>
        (name === undefined || zone.name === name.toLowerCase()) && (allowed?.includes(zone.id) ?? true),
    );
}

function create({ account }: Platform, body: Partial<ZoneBody>): Zone {
  const name = String(body.name ?? '').toLowerCase();
  if (body.account?.id !== account.id) throw unknownAccount(body.account?.id ?? '');
  if (!NAME.test(name) || RESERVED.test(name)) throw invalidZoneName(name);
  if (account.zones.named(name)) throw zoneExists(name);
  const zone = { id: newHexId(), name, created_on: now() };
  account.zones.all.add(zone);
  return zone;
}

function serialize({ account }: Platform, { id, name, created_on }: Zone): object {
  return {
    id,
    name,
    status: 'active',
    paused: false,
    type: 'full',
    development_mode: 0,
    name_servers: NAME_SERVERS,
    original_name_servers: null,
    original_registrar: null,
    original_dnshost: null,
    created_on,
    modified_on: created_on,
    activated_on: created_on,
    meta: { step: 2, custom_certificate_quota: 0, page_rule_quota: 3, phishing_detected: false },
    owner: { id: null, type: 'user', email: null },
    account: { id: account.id, name: 'Embedded platform' },
    permissions: ['#zone:read', '#dns_records:edit', '#worker:edit'],
    plan: { id: '0'.repeat(32), name: 'Free Website', price: 0, currency: 'USD', legacy_id: 'free' },
  };
}
