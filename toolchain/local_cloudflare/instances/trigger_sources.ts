// What created an instance: the API, which records the ids here, or else a Worker's binding. Those of a schedule have it in
// their event.

import fs from 'node:fs';
import path from 'node:path';
import { privateFolder, readText, remove } from '../system/files.ts';

export type TriggerSource = 'api' | 'binding' | 'cron';

export class TriggerSources {
  /** The ids that were created through the API, by Workflow. */
  readonly #created = new Map<string, Set<string>>();
  readonly #folder: string;

  constructor(state: string) {
    this.#folder = privateFolder(path.join(state, 'created'));
  }

  of(workflow: string, id: string): TriggerSource {
    return this.#ids(workflow).has(id) ? 'api' : 'binding';
  }

  addCreated(workflow: string, ids: string[]): void {
    const created = this.#ids(workflow);
    for (const id of ids) created.add(id);
    fs.appendFileSync(this.#file(workflow), ids.map((id) => `${id}\n`).join(''), { mode: 0o600 });
  }

  forget(workflow: string): void {
    this.#created.delete(workflow);
    remove(this.#file(workflow));
  }

  #ids(workflow: string): Set<string> {
    const ids = this.#created.get(workflow) ?? new Set(readText(this.#file(workflow))?.split('\n'));
    this.#created.set(workflow, ids);
    return ids;
  }

  #file(workflow: string): string {
    return path.join(this.#folder, workflow);
  }
}
