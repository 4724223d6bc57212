// What began an instance: the API, which this process is, or else a Worker's binding.

import fs from 'node:fs';
import path from 'node:path';
import { privateFolder, readText } from '../system/files.ts';

export type Trigger = 'api' | 'binding';

export class Triggers {
  /** The ids that were created through the API, by Workflow. */
  readonly #created = new Map<string, Set<string>>();
  readonly #folder: string;

  constructor(state: string) {
    this.#folder = privateFolder(path.join(state, 'created'));
  }

  of(workflow: string, id: string): Trigger {
    return this.#known(workflow).has(id) ? 'api' : 'binding';
  }

  remember(workflow: string, ids: string[]): void {
    const known = this.#known(workflow);
    for (const id of ids) known.add(id);
    fs.appendFileSync(this.#file(workflow), ids.map((id) => `${id}\n`).join(''), { mode: 0o600 });
  }

  #known(workflow: string): Set<string> {
    const known = this.#created.get(workflow) ?? new Set(readText(this.#file(workflow))?.split('\n'));
    this.#created.set(workflow, known);
    return known;
  }

  #file(workflow: string): string {
    return path.join(this.#folder, workflow);
  }
}
