// A charge point on top of the npm package ocpp-rpc in strict mode: each answer of the central system is held against
// the schemas of the standard. It boots, charges when the central system starts and stops a transaction, sends every
// message that a station may begin, and leaves with exit code 0 at a Reset if each was answered well. With --phantom the
// register goes on growing after the stop; with --send a 2.1 station also sends the kinds of frames that get no answer.
// On standard output it writes a line of JSON for each answer and for each stage: ready, metered, idle.
//
//   node station.mjs ws://127.0.0.1:9000 CP_1 [--protocol ocpp2.0.1] [--phantom] [--send]

import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { RPCClient, createRPCError } from "ocpp-rpc";
import { validators } from "./validators.mjs";
import { visit16 } from "./visit16.mjs";
import { visit2 } from "./visit2.mjs";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    protocol: { type: "string", default: "ocpp1.6" },
    phantom: { type: "boolean", default: false },
    send: { type: "boolean", default: false },
  },
});
const [endpoint, identity] = positionals;
const limit = 150_000; // ms, then the run has failed

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const fail = (why) => {
  process.stderr.write(`station.mjs: ${why?.stack ?? why}\n`);
  process.exit(1);
};
const check = (ok, what) => {
  if (!ok) throw new Error(what);
};

setTimeout(() => fail(`not done after ${limit} ms`), limit).unref();
process.on("unhandledRejection", fail);

const cp = new RPCClient({
  endpoint,
  identity,
  protocols: [flags.protocol],
  strictMode: true,
  strictModeValidators: validators,
  reconnect: false,
  callTimeoutMs: 30_000,
});
cp.on("strictValidationFailure", (e) => e.outbound || fail(e.error));
cp.on("badMessage", (e) => fail(e.error));
cp.handle(() => {
  throw createRPCError("NotImplemented");
});

// order resolves with the parameters of the central system's next call of that action, and answers it.
const order = (method, answer) =>
  new Promise((resolve) => {
    cp.handle(method, ({ params }) => {
      setImmediate(resolve, params);
      return answer;
    });
  });

async function call(action, params) {
  const answer = await cp.call(action, params);
  say({ event: "answer", action, answer });
  return answer;
}

// grow sends count meter values, each growth Wh above the one before.
async function grow(count, growth, send) {
  for (let i = 0; i < count; i++) {
    await sleep(700);
    station.meter += growth;
    await send();
  }
}

const station = {
  cp,
  flags,
  say,
  check,
  order,
  call,
  meter: 34_000, // Wh
  now: () => new Date().toISOString(),
  charge: (send) => grow(4, 2, send), // 10 kW
  rest: (healthy, phantom) => (flags.phantom ? grow(10, 5, phantom) : grow(3, 0, healthy)), // 26 kW
  async connect() {
    await cp.connect();
    check(cp.protocol === flags.protocol, `subprotocol ${cp.protocol}`);
  },
  // The library holds back what breaks a schema: proof that strict mode judged everything before.
  async proveStrict() {
    await cp.call("Heartbeat", { surplus: true }, { callTimeoutMs: 1_000 }).then(
      () => fail("a wrong call passed: strict mode is off"),
      () => {},
    );
  },
};

await { "ocpp1.6": visit16, "ocpp2.0.1": visit2, "ocpp2.1": visit2 }[flags.protocol](station);
await cp.close();
process.exit(0);
