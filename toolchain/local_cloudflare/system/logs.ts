// Log files of the Workers and of the platform: JSON lines, of bounded size, one file for each group.

import fs from 'node:fs';
import path from 'node:path';
import { privateFolder } from './files.ts';

const MAX_BYTES = 1_000_000;

export interface LogLine {
  timestamp: number;
  level: string;
  message: string;
}

export class Logs {
  readonly #folder: string;
  readonly #sizes = new Map<string, number>();

  constructor(state: string) {
    this.#folder = privateFolder(path.join(state, 'logs'));
  }

  /** Append to a group's log. A full file becomes the previous one, so up to two megabytes are kept. */
  write(group: string, line: LogLine): void {
    const file = path.join(this.#folder, `${group}.jsonl`);
    const text = `${JSON.stringify(line)}\n`;
    const size = this.#sizes.get(file) ?? fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > MAX_BYTES) fs.renameSync(file, `${file}.1`);
    fs.appendFileSync(file, text, { mode: 0o600 });
    this.#sizes.set(file, size > MAX_BYTES ? text.length : size + text.length);
  }

  platformError(message: string): void {
    this.write('platform', { timestamp: Date.now(), level: 'error', message });
  }
}
