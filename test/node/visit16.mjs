// The visit of a car in OCPP 1.6.

const connectorId = 1;

export async function visit16(station) {
  const { call, check, now, order, say } = station;

  const status = (connector, word) =>
    call("StatusNotification", { connectorId: connector, errorCode: "NoError", status: word, timestamp: now() });

  const reading = (context) => ({
    timestamp: now(),
    sampledValue: [
      {
        value: (station.meter / 1000).toFixed(3),
        context,
        format: "Raw",
        measurand: "Energy.Active.Import.Register",
        location: "Outlet",
        unit: "kWh",
      },
    ],
  });

  const values = (context, transactionId) =>
    call("MeterValues", { connectorId, transactionId, meterValue: [reading(context)] });

  const remoteStart = order("RemoteStartTransaction", { status: "Accepted" });
  const remoteStop = order("RemoteStopTransaction", { status: "Accepted" });
  const reset = order("Reset", { status: "Accepted" });
  station.cp.handle("GetConfiguration", ({ params }) => ({
    configurationKey: [{ key: "NumberOfConnectors", readonly: true, value: "1" }],
    unknownKey: (params.key ?? []).filter((key) => key !== "NumberOfConnectors"),
  }));

  await station.connect();
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
  const start = await call("StartTransaction", { connectorId, idTag, meterStart: station.meter, timestamp: now() });
  check(start.idTagInfo.status === "Accepted", "StartTransaction: not accepted");
  await status(connectorId, "Charging");
  await station.charge(() => values("Sample.Periodic", start.transactionId));
  say({ event: "metered", transaction: start.transactionId });

  const { transactionId } = await remoteStop;
  check(transactionId === start.transactionId, `RemoteStopTransaction of ${transactionId}`);
  await call("StopTransaction", {
    transactionId,
    idTag,
    meterStop: station.meter,
    timestamp: now(),
    reason: "Remote",
    transactionData: [reading("Transaction.End")],
  });
  await status(connectorId, "Finishing");
  await status(connectorId, "Available");
  await station.rest(
    () => values("Sample.Clock"),
    () => values("Sample.Periodic"),
  );
  await call("DiagnosticsStatusNotification", { status: "Idle" });
  await call("FirmwareStatusNotification", { status: "Idle" });
  await call("DataTransfer", { vendorId: "org.example.peer" });
  await call("SecurityEventNotification", { type: "StartupOfTheDevice", timestamp: now() });
  await call("LogStatusNotification", { status: "Idle" });
  await call("SignedFirmwareStatusNotification", { status: "Idle" });
  await call("SignCertificate", { csr: "-----BEGIN CERTIFICATE REQUEST-----" });
  await station.proveStrict();
  await call("Heartbeat", {});
  say({ event: "idle" });

  await reset;
}
