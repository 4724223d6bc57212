// PID files hold the id and the start time of a process, so that another process with a reused id is left alone.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { isMissing, readText, remove, writeText } from './files.ts';

const KILL_MILLISECONDS = 5000;
const POLL_MILLISECONDS = 5;
const START_TIME_FIELD = 19; // of /proc/PID/stat, counted after the command's closing parenthesis

/** How many files a process started by this one can have open. */
export function openFilesLimit(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? Infinity : Number(limit);
}

/** The start time as text, which can only be compared; undefined if the process has exited. */
function startTime(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readStat(pid);
    return stat && !isZombie(stat) ? startTimeOf(stat) : undefined;
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

const USER_TIME_FIELD = 11; // likewise; the time in the kernel follows
const TICK_MILLISECONDS = 10; // the unit of these fields on every Linux

/** How much CPU time the process has used; undefined if it has exited. Other systems than Linux round it to seconds. */
export function cpuMilliseconds(pid: number): number | undefined {
  if (process.platform !== 'linux') return readPsTime(pid);
  const fields = afterCommand(readStat(pid) ?? '');
  const ticks = Number(fields[USER_TIME_FIELD]) + Number(fields[USER_TIME_FIELD + 1]);
  return Number.isNaN(ticks) ? undefined : ticks * TICK_MILLISECONDS;
}

/** Read the time that `ps` shows, such as 1-02:03:04 or 3:04.56. */
export function readPsTime(pid: number): number | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [, days = '0', clock = ''] = /^(?:(\d+)-)?([\d:.]+)$/.exec(text) ?? [];
    const seconds = clock.split(':').reduce((total, part) => total * 60 + Number(part), 0);
    return clock === '' ? undefined : 1000 * (Number(days) * 86_400 + seconds);
  } catch {
    return undefined;
  }
}

const isZombie = (stat: string): boolean => afterCommand(stat)[0] === 'Z';
const startTimeOf = (stat: string): string => afterCommand(stat)[START_TIME_FIELD] ?? '';

interface PidFile {
  pid: number;
  started: string;
}

/** Read a file that workerd.sh or `writePidFile` wrote. */
function readPidFile(file: string): PidFile | undefined {
  const [pid, line] = readText(file)?.split('\n') ?? [];
  if (!pid || !line) return undefined;
  const started = process.platform === 'linux' ? startTimeOf(line) : line.trim();
  return { pid: Number(pid), started };
}

const isRunning = ({ pid, started }: PidFile): boolean => startTime(pid) === started;

/** The id of the process in the PID file, if it is still running. */
export function runningPid(file: string): number | undefined {
  const found = readPidFile(file);
  return found && isRunning(found) ? found.pid : undefined;
}

export function writePidFile(file: string): void {
  const line = process.platform === 'linux' ? readStat(process.pid) : startTime(process.pid);
  writeText(file, `${process.pid}\n${line?.trim()}\n`);
}

/**
 * Kill the process in the PID file if it is still running, wait until it has exited, and remove the file, unless it
 * already belongs to the process that replaced it.
 */
export async function killByPidFile(file: string): Promise<void> {
  const found = readPidFile(file);
  if (found && isRunning(found)) {
    sendKill(found.pid);
    const deadline = Date.now() + KILL_MILLISECONDS;
    while (isRunning(found)) {
      if (Date.now() > deadline) throw new Error(`process ${found.pid} does not exit`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
  if (!found || isDeepStrictEqual(readPidFile(file), found)) remove(file);
}

function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has exited since we looked
  }
}

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'];

/** util-linux's program that kills a process when its parent ends; without it, the next start does. */
export function setprivPath(): string {
  if (process.platform !== 'linux') return '';
  return SETPRIV.find((file) => fs.existsSync(file)) ?? '';
}
