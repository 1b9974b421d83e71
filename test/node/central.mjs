// A central system on top of the npm package ocpp-rpc in strict mode, for all versions of OCPP that the library knows:
// each message of a station is held against the schemas of the standard. It starts a transaction at a station's first
// heartbeat, stops it after the fourth meter value, and resets the station at its second heartbeat. It ends with exit
// code 1 at the first message that breaks a schema. On standard output it writes where it listens, and a line of JSON
// for each station that comes and goes.
//
//   node central.mjs [PORT]

import { RPCServer } from "ocpp-rpc";
import { validators } from "./validators.mjs";

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const fail = (why) => {
  process.stderr.write(`central.mjs: ${why?.stack ?? why}\n`);
  process.exit(1);
};
process.on("unhandledRejection", fail);

const server = new RPCServer({
  protocols: ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"],
  strictMode: true,
  strictModeValidators: validators,
});

let transactions = 4100;
const accepted = { status: "Accepted" };
const now = () => new Date().toISOString();

// The orders of each version.
const orders16 = {
  ask: ["GetConfiguration", { key: ["NumberOfConnectors", "Nonsense"] }],
  start: ["RemoteStartTransaction", { connectorId: 1, idTag: "CENTRAL" }],
  stop: (transactionId) => ["RemoteStopTransaction", { transactionId }],
  reset: ["Reset", { type: "Soft" }],
};
const orders2 = {
  ask: ["GetVariables", { getVariableData: [{ component: { name: "EVSE" }, variable: { name: "Power" } }] }],
  start: ["RequestStartTransaction", { evseId: 1, remoteStartId: 1, idToken: { idToken: "CENTRAL", type: "Central" } }],
  stop: (transactionId) => ["RequestStopTransaction", { transactionId }],
  reset: ["Reset", { type: "OnIdle" }],
};

// What a message is answered, where the empty object will not do.
const answers = {
  BootNotification: () => ({ currentTime: now(), interval: 300, ...accepted }),
  Heartbeat: () => ({ currentTime: now() }),
  Authorize: ({ idTag }) => (idTag ? { idTagInfo: accepted } : { idTokenInfo: accepted }),
  StartTransaction: () => ({ transactionId: ++transactions, idTagInfo: accepted }),
  StopTransaction: () => ({ idTagInfo: accepted }),
  TransactionEvent: ({ idToken }) => (idToken ? { idTokenInfo: accepted } : {}),
  DataTransfer: () => ({ status: "UnknownVendorId" }),
  Get15118EVCertificate: () => ({ status: "Failed", exiResponse: "" }),
  GetCertificateStatus: () => ({ status: "Failed" }),
  GetCertificateChainStatus: ({ certificateStatusRequests: [{ certificateHashData }] }) => ({
    certificateStatus: [{ certificateHashData, source: "OCSP", status: "Unknown", nextUpdate: now() }],
  }),
  NotifyEVChargingNeeds: () => ({ status: "Rejected" }),
  NotifyEVChargingSchedule: () => ({ status: "Rejected" }),
  OpenPeriodicEventStream: () => ({ status: "Rejected" }),
  PullDynamicScheduleUpdate: () => ({ status: "Rejected" }),
  SignCertificate: () => ({ status: "Rejected" }),
  VatNumberValidation: ({ vatNumber }) => ({ vatNumber, status: "Rejected" }),
};

server.on("client", (client) => {
  const orders = client.protocol === "ocpp1.6" ? orders16 : orders2;
  const order = async (...calls) => {
    for (const [action, params] of calls) {
      const { status } = await client.call(action, params);
      if (status && status !== "Accepted") fail(`${action}: ${status}`);
    }
  };
  let heartbeats = 0;
  let metered = 0;
  say({ event: "open", station: client.identity, protocol: client.protocol });
  client.on("strictValidationFailure", (e) => fail(e.error));
  client.on("badMessage", (e) => fail(e.error));
  client.on("close", () => say({ event: "close", station: client.identity }));
  client.handle(({ method, params }) => {
    const transactionId = params.transactionId ?? params.transactionInfo?.transactionId;
    if (method === "Heartbeat" && ++heartbeats === 1) setImmediate(order, orders.ask, orders.start);
    if (method === "Heartbeat" && heartbeats === 2) setImmediate(order, orders.reset);
    if (method !== "StopTransaction" && transactionId && params.meterValue && params.eventType !== "Started" && ++metered === 4) {
      setImmediate(order, orders.stop(transactionId));
    }
    return answers[method]?.(params) ?? {};
  });
});

const http = await server.listen(Number(process.argv[2] ?? 0), "127.0.0.1");
say({ event: "listening", address: `127.0.0.1:${http.address().port}` });
