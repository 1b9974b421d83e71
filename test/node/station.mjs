// A charge point on top of the npm package ocpp-rpc in strict mode: each answer of the central system is held against
// the schemas of the standard. It boots, charges when the central system starts and stops a transaction, and leaves
// with exit code 0 at a Reset if every message was answered well. With --phantom the register goes on growing after the
// stop. On standard output it writes a line of JSON for each answer and for each stage: ready, metered, idle.
//
//   node station.mjs ws://127.0.0.1:9000 CP_1 [--phantom]

import { setTimeout as sleep } from "node:timers/promises";
import { RPCClient, createRPCError } from "ocpp-rpc";

const [endpoint, identity, ...flags] = process.argv.slice(2);
const phantom = flags.includes("--phantom");
const connectorId = 1;
const interval = 700; // ms between meter values
const step = 2; // Wh a meter value while charging: 10 kW
const phantomStep = 5; // Wh a meter value after the stop: 26 kW, which an AC outlet could deliver
const limit = 60_000; // ms, then the run has failed

let meter = 34_000; // Wh

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
  protocols: ["ocpp1.6"],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: 10_000,
});
cp.on("strictValidationFailure", (e) => e.outbound || fail(e.error));
cp.on("badMessage", (e) => fail(e.error));

// order resolves with the parameters of the central system's next call of that action, and answers it.
const order = (method, answer) =>
  new Promise((resolve) => {
    cp.handle(method, ({ params }) => {
      setImmediate(resolve, params);
      return answer;
    });
  });

const remoteStart = order("RemoteStartTransaction", { status: "Accepted" });
const remoteStop = order("RemoteStopTransaction", { status: "Accepted" });
const reset = order("Reset", { status: "Accepted" });
cp.handle("GetConfiguration", ({ params }) => ({
  configurationKey: [{ key: "NumberOfConnectors", readonly: true, value: "1" }],
  unknownKey: (params.key ?? []).filter((key) => key !== "NumberOfConnectors"),
}));
cp.handle(() => {
  throw createRPCError("NotImplemented");
});

async function call(action, params) {
  const answer = await cp.call(action, params);
  say({ event: "answer", action, answer });
  return answer;
}

const now = () => new Date().toISOString();
const status = (connector, word) =>
  call("StatusNotification", { connectorId: connector, errorCode: "NoError", status: word, timestamp: now() });

const reading = (context) => ({
  timestamp: now(),
  sampledValue: [
    {
      value: (meter / 1000).toFixed(3),
      context,
      format: "Raw",
      measurand: "Energy.Active.Import.Register",
      location: "Outlet",
      unit: "kWh",
    },
  ],
});

async function values(count, growth, context, transactionId) {
  for (let i = 0; i < count; i++) {
    await sleep(interval);
    meter += growth;
    await call("MeterValues", { connectorId, transactionId, meterValue: [reading(context)] });
  }
}

await cp.connect();
check(cp.protocol === "ocpp1.6", `subprotocol ${cp.protocol}`);
const boot = await call("BootNotification", { chargePointVendor: "ocpp-rpc", chargePointModel: "peer" });
check(boot.status === "Accepted", "BootNotification: not accepted");
await status(0, "Available");
await status(connectorId, "Available");
await call("Heartbeat", {});
say({ event: "ready" });

const { idTag } = await remoteStart;
const { idTagInfo } = await call("Authorize", { idTag });
check(idTagInfo.status === "Accepted", "Authorize: not accepted");
await status(connectorId, "Preparing");
const start = await call("StartTransaction", { connectorId, idTag, meterStart: meter, timestamp: now() });
check(start.idTagInfo.status === "Accepted", "StartTransaction: not accepted");
await status(connectorId, "Charging");
await values(4, step, "Sample.Periodic", start.transactionId);
say({ event: "metered", transaction: start.transactionId });

const { transactionId } = await remoteStop;
check(transactionId === start.transactionId, `RemoteStopTransaction of ${transactionId}`);
await call("StopTransaction", {
  transactionId,
  idTag,
  meterStop: meter,
  timestamp: now(),
  reason: "Remote",
  transactionData: [reading("Transaction.End")],
});
await status(connectorId, "Finishing");
await status(connectorId, "Available");
if (phantom) {
  await values(10, phantomStep, "Sample.Periodic");
} else {
  await values(3, 0, "Sample.Clock");
}
await call("DiagnosticsStatusNotification", { status: "Idle" });
await call("FirmwareStatusNotification", { status: "Idle" });
await call("DataTransfer", { vendorId: "org.example.peer" });
// The library holds back what breaks a schema: proof that strict mode judged everything above.
await cp.call("Heartbeat", { surplus: true }, { callTimeoutMs: 1_000 }).then(
  () => fail("a wrong call passed: strict mode is off"),
  () => {},
);
say({ event: "idle" });

await reset;
await cp.close();
process.exit(0);
