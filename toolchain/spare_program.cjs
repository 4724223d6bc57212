// Makes the program that Node.js loads next wait for one command, once its modules are loaded.
//
// `node --require spare_program.cjs PROGRAM`: the last statement of wrangler's main module asks for
// `typeof vitest` before it runs the command line. This defines the global variable, and waits when it
// is read. Standard input is a socket: "R" is sent when the program is ready, then a line of JSON with
// `argv`, `cwd` and `env` is received, and "A" is sent when it is accepted. The program then runs as if it
// had been started like that. It ends when the socket is closed before the command is complete.

'use strict';

const fs = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const STDIN = 0;

function waitForOrder() {
  delete globalThis.vitest;
  fs.writeSync(STDIN, 'R');
  collectGarbage();
  const { argv, cwd, env } = JSON.parse(readLine());
  process.argv.push(...argv);
  process.execArgv.length = 0;
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) {
    if (!(name in env)) delete process.env[name];
  }
  Object.assign(process.env, env);
  fs.writeSync(STDIN, 'A');
  fs.closeSync(STDIN);
  fs.openSync('/dev/null'); // takes the free number
}

/** Free what loading has left behind; the program would do that in the middle of its work otherwise. */
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
  v8.setFlagsFromString('--no-expose-gc');
}

function readLine() {
  const buffer = Buffer.alloc(65536);
  let line = '';
  while (!line.endsWith('\n')) {
    const length = fs.readSync(STDIN, buffer);
    if (length === 0) process.kill(process.pid, 'SIGKILL'); // the owner has ended
    line += buffer.latin1Slice(0, length);
  }
  return line;
}

if (isMainThread) Object.defineProperty(globalThis, 'vitest', { configurable: true, get: waitForOrder });
