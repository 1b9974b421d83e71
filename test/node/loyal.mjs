// A charge point on top of the npm package ocpp-rpc that says again and again that it is free, and connects again
// whenever it has lost the central system. On standard output it writes a line of JSON when it is connected (open), at
// the first answer of each connection (answered), and when the connection is lost (lost). It runs until it is killed.
//
//   node loyal.mjs ws://127.0.0.1:9000 CP_1

import { setTimeout as sleep } from "node:timers/promises";
import { RPCClient } from "ocpp-rpc";

const [endpoint, identity] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const cp = new RPCClient({
  endpoint,
  identity,
  protocols: ["ocpp2.0.1"],
  strictMode: true,
  reconnect: true,
  maxReconnects: Infinity,
  backoff: { initialDelay: 100, maxDelay: 300, factor: 2 },
  callTimeoutMs: 5_000,
});
let silent = true;
cp.on("open", () => {
  silent = true;
  say({ event: "open" });
});
cp.on("disconnect", ({ code }) => say({ event: "lost", code }));

await cp.connect();
for (;;) {
  await sleep(100);
  try {
    await cp.call("StatusNotification", {
      timestamp: new Date().toISOString(),
      connectorStatus: "Available",
      evseId: 1,
      connectorId: 1,
    });
    if (silent) say({ event: "answered" });
    silent = false;
  } catch {
    // The call went down with the connection.
  }
}
