// The embedded platform: Cloudflare's v4 API on loopback, and the Workers deployed to it, in the real workerd.

import path from 'node:path';
import { Account } from './account.ts';
import { makeApi } from './api/index.ts';
import { Crons } from './crons.ts';
import { privateFolder } from './files.ts';
import { Groups } from './groups.ts';
import { Logs } from './logs.ts';
import { leaveNote, livingBy } from './processes.ts';
import { WorkerProxy } from './proxy.ts';
import { listen, portOf } from './server.ts';
import { readSettings, type Settings } from './settings.ts';

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  takeFolder(settings);
  const logs = new Logs(settings.state);
  const account = new Account(settings.account, path.join(settings.state, 'account'));
  const groups = new Groups(account, settings, logs);
  const crons = new Crons(account, groups, logs);
  const onFault = (error: Error) => logs.platform(error.stack ?? error.message);
  endWith(async () => {
    crons.close();
    await groups.close();
  });
  await groups.open();
  const parts = {
    api: makeApi({ account, groups, settings }, onFault),
    proxy: new WorkerProxy(groups),
    onFault,
  };
  const server = await listen(settings.port, parts);
  crons.open();
  void groups.resume();
  process.stdout.write(`${JSON.stringify({ ready: true, port: portOf(server) })}\n`);
}

/** Two processes on one folder would each start its Workers. */
function takeFolder({ state }: Settings): void {
  process.umask(0o077);
  privateFolder(state);
  const note = path.join(state, 'platform.pid');
  const other = livingBy(note);
  if (other !== undefined)
    throw new Error(`Another embedded platform (process ${other}) already runs on ${state}.`);
  leaveNote(note);
}

/** The process that started this one holds its standard input open: when it closes, that process is gone. */
function endWith(close: () => Promise<void>): void {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void close().finally(() => process.exit(0));
  };
  process.stdin.on('end', end).on('close', end).on('error', end).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}

function sentence(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return message;
  const port = process.env.LOCAL_CLOUDFLARE_PORT;
  return `Port ${port} is in use: end what listens there, or choose another AWAITSTEP_LOCAL_CLOUDFLARE_PORT.`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${sentence(error)}\n`);
  process.exit(1);
});
