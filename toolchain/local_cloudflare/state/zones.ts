// The account's zones with their DNS records, Worker routes and custom domains.

import path from 'node:path';
import { JsonList } from './json_list.ts';
import type { DnsRecord, Domain, Route, Zone } from './records.ts';

export const isInZone = (host: string, zone: Zone): boolean =>
  host === zone.name || host.endsWith(`.${zone.name}`);

export class Zones {
  readonly all: JsonList<Zone>;
  readonly records: JsonList<DnsRecord>;
  readonly routes: JsonList<Route>;
  readonly domains: JsonList<Domain>;

  constructor(folder: string) {
    this.all = new JsonList(path.join(folder, 'zones.json'), (item) => item.id);
    this.records = new JsonList(path.join(folder, 'dns.json'), (item) => item.id);
    this.routes = new JsonList(path.join(folder, 'routes.json'), (item) => item.id);
    this.domains = new JsonList(path.join(folder, 'domains.json'), (item) => item.id);
  }

  named(name: string): Zone | undefined {
    return this.all.all().find((zone) => zone.name === name);
  }

  /** The smallest zone that contains the host. */
  containing(host: string): Zone | undefined {
    const labels = host.split('.');
    const names = labels.map((_, index) => labels.slice(index).join('.'));
    return names.map((name) => this.named(name)).find((zone) => zone !== undefined);
  }

  /** The zone with the given id or name, or else the one that contains the host. */
  find(host: string, { zone_id, zone_name }: { zone_id?: string; zone_name?: string }): Zone | undefined {
    if (zone_id) return this.all.get(zone_id);
    return zone_name ? this.named(zone_name) : this.containing(host);
  }

  /** Delete a zone and everything in it. */
  delete(zone: string): void {
    const isOutside = (item: { zone_id: string }) => item.zone_id !== zone;
    this.domains.retain(isOutside);
    this.routes.retain(isOutside);
    this.records.retain(isOutside);
    this.all.delete(zone);
  }

  deleteWorker(name: string): void {
    this.routes.retain(({ script }) => script !== name);
    this.domains.retain(({ service }) => service !== name);
    this.records.retain(({ worker }) => worker !== name);
  }

  deleteDomain({ id, hostname }: Domain): void {
    this.domains.delete(id);
    this.records.retain(({ name, worker }) => worker === undefined || name !== hostname);
  }
}
