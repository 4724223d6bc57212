// What Workers print: a bounded file of JSON lines for each group, never this process's own output.

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

  /** The last two files hold the newest lines: up to two megabytes. */
  group(key: string, line: LogLine): void {
    const file = path.join(this.#folder, `${key}.jsonl`);
    const text = `${JSON.stringify(line)}\n`;
    const size = this.#sizes.get(file) ?? fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > MAX_BYTES) fs.renameSync(file, `${file}.1`);
    fs.appendFileSync(file, text, { mode: 0o600 });
    this.#sizes.set(file, size > MAX_BYTES ? text.length : size + text.length);
  }

  platform(message: string): void {
    this.group('platform', { timestamp: Date.now(), level: 'error', message });
  }
}
