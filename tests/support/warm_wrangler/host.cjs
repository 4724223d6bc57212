// Runs wrangler's command line repeatedly, in a process that loads its modules only once.
//
// Loading wrangler takes several times as long as a deploy with it. Each connection to the socket is one
// command: the client sends a line of JSON with `argv`, `env` and `cwd`, and receives lines: `accepted`
// or `busy`, the output as JSON (`out`, `err`, in base64) as it is written, and last `exit`.
// The reply to a ping is `pong`. The host exits after a command that left something behind; its
// supervisor starts the next one.

'use strict';

const childProcess = require('node:child_process');
const fs = require('node:fs');
const Module = require('node:module');
const net = require('node:net');
const path = require('node:path');
const vm = require('node:vm');

const COMMANDS_PER_HOST = 20; // every command leaves a copy of wrangler's module in memory
const [, , socketPath, wrangler] = process.argv;
const SETTLE_MILLISECONDS = 1000; // how long the work of a command that has exited may take
const reallyExit = process.exit;
const supervisor = process.ppid;
const codeCache = `${socketPath}.code_cache`; // for the next host
const script = compile();
const wranglersModule = script.runInThisContext();
let commands = 0;
let running = null;
let isWornOut = false;

const server = net.createServer((socket) => {
  let text = '';
  socket.on('data', (data) => {
    text += data;
    if (text.endsWith('\n')) accept(socket, JSON.parse(text));
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (running?.socket === socket) reallyExit(0); // the caller was killed, so its command is killed too
  });
});

function accept(socket, { ping, argv, env, cwd }) {
  if (ping) return socket.end('pong\n');
  if (running) return socket.end('busy\n');
  if (isWornOut) return socket.end();
  socket.write('accepted\n');
  commands += 1;
  running = { socket, listeners: allListeners(), children: [] };
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [process.execPath, wrangler, ...argv];
  process.exitCode = undefined;
  socket.unref();
  server.unref();
  for (const file of Object.keys(require.cache)) {
    if (file.includes('/esbuild/')) delete require.cache[file];
  }
  evaluate({ isMain: true });
}

/** Evaluate wrangler's module, which is compiled once: each command gets a fresh copy of its variables. */
function evaluate({ isMain }) {
  const module = new Module(wrangler, null);
  module.filename = wrangler;
  module.paths = Module._nodeModulePaths(path.dirname(wrangler));
  if (isMain) process.mainModule = module;
  const requireFrom = Module.createRequire(wrangler); // its `main` is the main module
  const folder = path.dirname(wrangler);
  wranglersModule.call(module.exports, module.exports, requireFrom, module, wrangler, folder);
}

function compile() {
  const source = fs.readFileSync(wrangler, 'utf8').replace(/^#!.*/, '');
  return new vm.Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: wrangler,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    cachedData: fs.existsSync(codeCache) ? fs.readFileSync(codeCache) : undefined,
  });
}

function end(code, mayLeaveSomething) {
  const { socket, listeners, children } = running;
  for (const listener of process.listeners('exit')) {
    if (!listeners.get('exit').includes(listener)) listener.call(process, code);
  }
  for (const [event, known] of listeners) {
    for (const listener of process.rawListeners(event)) {
      if (!known.includes(listener)) process.removeListener(event, listener);
    }
  }
  killAll(children);
  process.chdir('/');
  running = null;
  isWornOut = mayLeaveSomething || commands >= COMMANDS_PER_HOST;
  const reply = `${JSON.stringify({ exit: code })}\n`;
  if (isWornOut) {
    if (!fs.existsSync(codeCache)) fs.writeFileSync(codeCache, script.createCachedData());
    server.close();
    socket.write(reply, () => reallyExit(0)); // which closes the socket once nothing writes files anymore
  } else {
    server.ref();
    socket.end(reply);
  }
}

function killAll(children) {
  for (const child of children) child.kill('SIGKILL');
}

function endUnsettled(command) {
  if (running === command) end(command.code, true);
}

function allListeners() {
  const events = new Set([...process.eventNames(), 'exit', 'SIGINT', 'SIGTERM']);
  return new Map([...events].map((event) => [event, process.rawListeners(event)]));
}

function redirect(stream, name) {
  stream.write = (chunk, encoding, callback) => {
    const data = Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8');
    if (running && running.code === undefined)
      running.socket.write(`${JSON.stringify({ [name]: data.toString('base64') })}\n`);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };
}

process.on('beforeExit', () => {
  if (running) end(running.code ?? process.exitCode ?? 0, false);
});
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  if (running) end(running.code ?? 1, true);
});
process.exit = (code) => {
  if (!running || running.code !== undefined) return;
  running.code = Number(code ?? process.exitCode ?? 0);
  killAll(running.children);
  setTimeout(endUnsettled, SETTLE_MILLISECONDS, running).unref(); // unless nothing is left to do before that
};
for (const name of ['spawn', 'execFile', 'exec', 'fork']) {
  const original = childProcess[name];
  childProcess[name] = (...all) => {
    const child = original(...all);
    running?.children.push(child);
    return child;
  };
}
setInterval(() => {
  if (process.ppid !== supervisor) reallyExit(0);
}, 1000).unref();
redirect(process.stdout, 'out');
redirect(process.stderr, 'err');
evaluate({ isMain: false }); // loads the modules that all commands share
server.listen(socketPath);
