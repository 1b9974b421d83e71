// The visit of a car in OCPP 2.0.1 and 2.1. Only Started names the EVSE; what follows is bound to it by the
// transaction's id.

import { randomUUID } from "node:crypto";
import { notices } from "./notices.mjs";

const evseId = 1;
const connectorId = 1;

export async function visit2(station) {
  const { call, check, now, order, say } = station;
  const transactionId = randomUUID();
  let seqNo = 0;

  const status = (connectorStatus) =>
    call("StatusNotification", { timestamp: now(), connectorStatus, evseId, connectorId });

  // The register in deca-watt-hours, and a power beside it that is 0 while nobody charges.
  const reading = (context, watts) => ({
    timestamp: now(),
    sampledValue: [
      {
        value: station.meter / 10,
        context,
        measurand: "Energy.Active.Import.Register",
        location: "Outlet",
        unitOfMeasure: { unit: "Wh", multiplier: 1 },
      },
      { value: watts / 1000, context, measurand: "Power.Active.Import", unitOfMeasure: { unit: "W", multiplier: 3 } },
    ],
  });

  const event = (eventType, triggerReason, chargingState, more) =>
    call("TransactionEvent", {
      eventType,
      timestamp: now(),
      triggerReason,
      seqNo: seqNo++,
      transactionInfo: { transactionId, chargingState, ...(eventType === "Ended" && { stoppedReason: "Remote" }) },
      ...more,
    });

  const values = (context, watts) => call("MeterValues", { evseId, meterValue: [reading(context, watts)] });

  const remoteStart = order("RequestStartTransaction", { status: "Accepted" });
  const remoteStop = order("RequestStopTransaction", { status: "Accepted" });
  const reset = order("Reset", { status: "Accepted" });
  station.cp.handle("GetVariables", ({ params }) => ({
    getVariableResult: params.getVariableData.map(({ component, variable }) => ({
      attributeStatus: "UnknownComponent",
      component,
      variable,
    })),
  }));

  await station.connect();
  const boot = await call("BootNotification", {
    reason: "PowerUp",
    chargingStation: { vendorName: "ocpp-rpc", model: "peer" },
  });
  check(boot.status === "Accepted", "BootNotification: not accepted");
  await status("Available");
  await call("Heartbeat", {});
  say({ event: "ready" });

  const { idToken } = await remoteStart;
  const { idTokenInfo } = await call("Authorize", { idToken });
  check(idTokenInfo.status === "Accepted", "Authorize: not accepted");
  await status("Occupied");
  const started = await event("Started", "RemoteStart", "EVConnected", {
    evse: { id: evseId, connectorId },
    idToken,
    meterValue: [reading("Transaction.Begin", 0)],
  });
  check(started.idTokenInfo?.status === "Accepted", "TransactionEvent Started: not accepted");
  await event("Updated", "ChargingStateChanged", "Charging");
  await station.charge(() =>
    event("Updated", "MeterValuePeriodic", "Charging", { meterValue: [reading("Sample.Periodic", 10_000)] }),
  );
  say({ event: "metered", transaction: transactionId });

  const stop = await remoteStop;
  check(stop.transactionId === transactionId, `RequestStopTransaction of ${stop.transactionId}`);
  await event("Ended", "RemoteStop", "Idle", { meterValue: [reading("Transaction.End", 0)] });
  await status("Available");
  await station.rest(
    () => values("Sample.Clock", 0),
    () => values("Sample.Periodic", 26_000),
  );
  await notices(station, transactionId);
  await station.proveStrict();
  await call("Heartbeat", {});
  say({ event: "idle" });

  await reset;
}
