// Both ends of a talk over the npm library ws, which compresses and fragments as it pleases: text messages of random
// sizes from one byte to a limit, some compressed, some in fragments that are cut anywhere, both ways at once. Each end
// hashes what it sends and what it receives, in order, and writes it as a line of JSON for each station; what one end
// sent and the other received must be equal, which is for the caller to compare.
//
//   node chatter.mjs server COUNT LIMIT
//   node chatter.mjs client COUNT LIMIT ws://127.0.0.1:9000 STATION...

import { createHash } from "node:crypto";
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";

const [role, countText, limitText, endpoint, ...stations] = process.argv.slice(2);
const count = Number(countText); // messages that each end sends to the other
const limit = Number(limitText); // bytes
const subprotocol = "ocpp2.0.1";
const perMessageDeflate = { threshold: 0 };
const backlog = 1 << 20; // bytes that may wait to be sent

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const fail = (why) => {
  process.stderr.write(`chatter.mjs ${role}: ${why?.stack ?? why}\n`);
  process.exit(1);
};
process.on("unhandledRejection", fail);

// Texts to cut messages from: all of ASCII, control characters too, in an order that hardly compresses; and letters of
// two and three bytes, where a fragment may end inside a letter.
const ascii = Array.from({ length: limit }, () => String.fromCharCode(Math.random() * 128)).join("");
const letters = Array.from({ length: Math.ceil(limit / 3) }, () => "aşğİ€ç漢"[Math.floor(Math.random() * 7)]).join("");

// size is skewed: most are as long as OCPP's own messages, half of them below a hundred bytes, and one in 500 is anywhere
// up to the limit.
const usual = Math.min(limit, 16 << 10);
function size(n) {
  if (n === 0) return limit;
  if (n === 1) return 1;
  if (Math.random() < 1 / 500) return Math.ceil(Math.random() * limit);
  return Math.floor(usual ** (Math.random() ** 2));
}

function message(n) {
  const bytes = size(n);
  const from = n % 5 === 2 ? letters : ascii;
  const length = Math.max(1, from === letters ? Math.floor(bytes / 3) : bytes);
  const at = Math.floor(Math.random() * (from.length - length + 1));
  return Buffer.from(from.slice(at, at + length), "utf8");
}

class Tally {
  hash = createHash("sha256");
  count = 0;
  bytes = 0;
  add(data) {
    this.hash.update(`${data.length}:`).update(data);
    this.count++;
    this.bytes += data.length;
  }
  done() {
    return { count: this.count, bytes: this.bytes, sha256: this.hash.digest("hex") };
  }
}

async function send(ws, tally) {
  for (let n = 0; n < count; n++) {
    const data = message(n);
    tally.add(data);
    const compress = Math.random() < 0.5;
    const cuts = Math.random() < 0.3 ? Math.ceil(Math.random() * 4) : 0;
    let at = 0;
    for (let i = 0; i < cuts; i++) {
      const to = at + Math.floor(Math.random() * (data.length - at + 1));
      ws.send(data.subarray(at, to), { binary: false, compress, fin: false });
      at = to;
    }
    const flushed = new Promise((resolve, reject) =>
      ws.send(data.subarray(at), { binary: false, compress, fin: true }, (e) => (e ? reject(e) : resolve())),
    );
    if (ws.bufferedAmount > backlog || n % 64 === 0) await flushed;
    else flushed.catch(fail);
  }
}

// talk sends and receives everything and tells the two hashes; the client closes, and both tell how.
async function talk(ws, station, closes) {
  const sent = new Tally();
  const received = new Tally();
  const closed = once(ws, "close").then(([code, reason]) => ({ code, reason: reason.toString() }));
  const heard = new Promise((resolve, reject) => {
    ws.on("error", reject);
    ws.on("message", (data, binary) => {
      if (binary) reject(new Error("a binary message"));
      received.add(data);
      if (received.count === count) resolve();
    });
    closed.then((c) => received.count < count && reject(new Error(`closed after ${received.count}: ${JSON.stringify(c)}`)));
  });
  const compression = ws.extensions;
  await Promise.all([send(ws, sent), heard]);
  if (closes) ws.close(4321, "said everything");
  say({ event: "talked", station, compression, sent: sent.done(), received: received.done(), ...(await closed) });
}

if (role === "server") {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    perMessageDeflate,
    maxPayload: limit,
    handleProtocols: (offered) => offered.has(subprotocol) && subprotocol,
  });
  server.on("connection", (ws, request) => talk(ws, request.url.split("/").pop(), false).catch(fail));
  await once(server, "listening");
  say({ event: "listening", address: `127.0.0.1:${server.address().port}` });
} else {
  await Promise.all(
    stations.map(async (station) => {
      const ws = new WebSocket(`${endpoint}/${station}`, [subprotocol], { perMessageDeflate, maxPayload: limit });
      const told = new Promise((resolve, reject) => {
        ws.on("open", () => talk(ws, station, true).then(resolve, reject));
        ws.on("error", reject);
      });
      await told;
    }),
  );
}
