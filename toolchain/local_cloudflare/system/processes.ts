// Processes by number and start time, so that one that took over the number of another is left alone.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { isMissing, readText, remove, writeWhole } from './files.ts';

const END_MILLISECONDS = 5000;
const POLL_MILLISECONDS = 5;
const START_TIME_FIELD = 19; // of /proc/PID/stat, counted after the command's closing parenthesis

/** When the process started, in words that only compare equal for the same process; undefined when it is gone. */
export function startTime(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readStat(pid);
    return stat && isZombie(stat) ? undefined : stat && fromStat(stat);
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

function readStat(pid: number): string | undefined {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
    throw error;
  }
}

function afterCommand(stat: string): string[] {
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
}

const isZombie = (stat: string): boolean => afterCommand(stat)[0] === 'Z';
const fromStat = (stat: string): string => afterCommand(stat)[START_TIME_FIELD] ?? '';

interface Note {
  pid: number;
  started: string;
}

/** Read what workerd.sh, or `leaveNote`, wrote. */
function readNote(file: string): Note | undefined {
  const [pid, line] = readText(file)?.split('\n') ?? [];
  if (!pid || !line) return undefined;
  const started = process.platform === 'linux' ? fromStat(line) : line.trim();
  return { pid: Number(pid), started };
}

/** The number of the process that the note is about, while that process lives. */
export function livingBy(file: string): number | undefined {
  const note = readNote(file);
  return note && startTime(note.pid) === note.started ? note.pid : undefined;
}

export function leaveNote(file: string): void {
  const line = process.platform === 'linux' ? readStat(process.pid) : startTime(process.pid);
  writeWhole(file, `${process.pid}\n${line?.trim()}\n`);
}

/** End the process that the note is about, if it still lives, and return when it is gone. */
export async function endBy(file: string): Promise<void> {
  const pid = livingBy(file);
  if (pid !== undefined) {
    process.kill(pid, 'SIGKILL');
    const deadline = Date.now() + END_MILLISECONDS;
    while (livingBy(file) !== undefined) {
      if (Date.now() > deadline) throw new Error(`process ${pid} does not end`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
  remove(file);
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];

/** util-linux's program that ties a process to the life of its parent; where there is none, the next start sweeps. */
export function setpriv(): string {
  if (process.platform !== 'linux') return '';
  return SETPRIV.find((file) => fs.existsSync(file)) ?? '';
}
