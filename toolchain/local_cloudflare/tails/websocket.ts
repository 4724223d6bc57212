// A WebSocket's server side, as little of it as a listener needs. A client of wrangler's does not mask what it sends,
// which Cloudflare takes and libraries refuse.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const LAST = 0x80;
const MASKED = 0x80;
const LENGTH = 0x7f;
const MEDIUM = 126;
const LARGE = 127;
/** A listener has nothing to say. */
const MAX_HEARD = 64 * 1024;

export class WebSocketServer {
  readonly #socket: Duplex;
  #heard: Buffer = Buffer.alloc(0);

  /** Answer the handshake; `protocol` is the one that both speak. */
  constructor(request: IncomingMessage, socket: Duplex, protocol: string) {
    this.#socket = socket;
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1')
      .update(key + MAGIC)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
        `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    );
    socket.on('data', (chunk: Buffer) => this.#hear(chunk));
    socket.on('error', () => socket.destroy());
  }

  onClose(work: () => void): void {
    this.#socket.once('close', work);
  }

  /** What the client has not taken yet, in bytes. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  send(text: string): void {
    this.#write(TEXT, Buffer.from(text));
  }

  close(): void {
    const normal = Buffer.from([0x03, 0xe8]);
    this.#write(CLOSE, normal);
    this.#socket.end();
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#socket.writable) this.#socket.write(Buffer.concat([headOf(opcode, payload.length), payload]));
  }

  #hear(chunk: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, chunk]);
    if (this.#heard.length > MAX_HEARD) this.#socket.destroy();
    for (let frame = readFrame(this.#heard); frame; frame = readFrame(this.#heard)) {
      this.#heard = this.#heard.subarray(frame.size);
      if (frame.opcode === PING) this.#write(PONG, frame.payload);
      if (frame.opcode === CLOSE) this.close();
    }
  }
}

function headOf(opcode: number, length: number): Buffer {
  if (length < MEDIUM) return Buffer.from([LAST | opcode, length]);
  const isMedium = length <= 0xffff;
  const head = Buffer.alloc(isMedium ? 4 : 10);
  head[0] = LAST | opcode;
  head[1] = isMedium ? MEDIUM : LARGE;
  if (isMedium) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

interface Frame {
  opcode: number;
  payload: Buffer;
  size: number;
}

/** The first frame, when all of it has come. */
function readFrame(heard: Buffer): Frame | undefined {
  if (heard.length < 2) return undefined;
  const [first = 0, second = 0] = heard;
  const short = second & LENGTH;
  const extra = short === LARGE ? 8 : short === MEDIUM ? 2 : 0;
  const maskSize = second & MASKED ? 4 : 0;
  const start = 2 + extra + maskSize;
  if (heard.length < start) return undefined;
  const length =
    short === LARGE ? Number(heard.readBigUInt64BE(2)) : short === MEDIUM ? heard.readUInt16BE(2) : short;
  if (heard.length < start + length) return undefined;
  const mask = heard.subarray(2 + extra, start);
  const payload = Buffer.from(heard.subarray(start, start + length));
  if (maskSize > 0)
    for (let at = 0; at < length; at++) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return { opcode: first & 0x0f, payload, size: start + length };
}
