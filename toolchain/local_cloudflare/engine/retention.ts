// Which ended instances have been kept for as long as they should be.

import type { OwnRetention } from './instance_file.ts';
import type { Row } from './instance_index.ts';

/** What applies to instances that are created from this time on and set no retention of their own. */
export interface DefaultRetention extends OwnRetention {
  since: string;
}

export interface RetentionQuery {
  /** In milliseconds. */
  now: number;
  /** Newest first. */
  defaults: DefaultRetention[];
}

export function expired(rows: readonly Row[], { now, defaults }: RetentionQuery): Row[] {
  return rows.filter((row) => {
    const retention = row.end === null ? undefined : retentionOf(row, defaults);
    return retention !== undefined && Date.parse(row.end ?? '') + retention <= now;
  });
}

/** A version of the Workflow may have been saved after an instance that was created with it. */
function retentionOf(
  { createdOn, retention, status }: Row,
  defaults: DefaultRetention[],
): number | undefined {
  const ofVersion = defaults.find(({ since }) => since <= createdOn) ?? defaults.at(-1);
  const key = status === 'errored' ? 'error' : 'success';
  return retention?.[key] ?? ofVersion?.[key];
}
