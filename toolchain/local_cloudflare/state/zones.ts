// The account's domains, their DNS, and which Worker answers what of them.

import path from 'node:path';
import { Shelf } from './json_list.ts';
import type { DnsRecord, Domain, Route, Zone } from './records.ts';

export const isInZone = (host: string, zone: Zone): boolean =>
  host === zone.name || host.endsWith(`.${zone.name}`);

export class Zones {
  readonly all: Shelf<Zone>;
  readonly records: Shelf<DnsRecord>;
  readonly routes: Shelf<Route>;
  readonly domains: Shelf<Domain>;

  constructor(folder: string) {
    this.all = new Shelf(path.join(folder, 'zones.json'), (item) => item.id);
    this.records = new Shelf(path.join(folder, 'dns.json'), (item) => item.id);
    this.routes = new Shelf(path.join(folder, 'routes.json'), (item) => item.id);
    this.domains = new Shelf(path.join(folder, 'domains.json'), (item) => item.id);
  }

  named(name: string): Zone | undefined {
    return this.all.all().find((zone) => zone.name === name);
  }

  /** The zone that a host lies in: the smallest, where one lies in another. */
  around(host: string): Zone | undefined {
    const labels = host.split('.');
    for (let at = 0; at < labels.length; at += 1) {
      const zone = this.named(labels.slice(at).join('.'));
      if (zone) return zone;
    }
    return undefined;
  }

  /** The zone that somebody names by its id or its name, or the one around the host where nobody does. */
  find(host: string, { zone_id, zone_name }: { zone_id?: string; zone_name?: string }): Zone | undefined {
    if (zone_id) return this.all.get(zone_id);
    return zone_name ? this.named(zone_name) : this.around(host);
  }

  /** A zone takes all that is in it along. */
  drop(zone: string): void {
    const isOutside = (item: { zone_id: string }) => item.zone_id !== zone;
    this.domains.keepOnly(isOutside);
    this.routes.keepOnly(isOutside);
    this.records.keepOnly(isOutside);
    this.all.drop(zone);
  }

  forgetWorker(name: string): void {
    this.routes.keepOnly(({ script }) => script !== name);
    this.domains.keepOnly(({ service }) => service !== name);
    this.records.keepOnly(({ worker }) => worker !== name);
  }

  dropDomain({ id, hostname }: Domain): void {
    this.domains.drop(id);
    this.records.keepOnly(({ name, worker }) => worker === undefined || name !== hostname);
  }
}
