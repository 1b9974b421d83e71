// Every message that a station of OCPP 2.0.1 or 2.1 may begin and that the visit itself has no use for, with no more
// than what the schema asks for.

const evseId = 1;
const requestId = 7;
const hash = { hashAlgorithm: "SHA256", issuerNameHash: "6E", issuerKeyHash: "6B", serialNumber: "01" };
const chargingSchedule = { id: 1, chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit: 16 }] };

const since201 = (now) => ({
  ClearedChargingLimit: { chargingLimitSource: "EMS" },
  DataTransfer: { vendorId: "org.example.peer" },
  FirmwareStatusNotification: { status: "Idle" },
  Get15118EVCertificate: { iso15118SchemaVersion: "urn:iso:15118:2:2013:MsgDef", action: "Install", exiRequest: "gA==" },
  GetCertificateStatus: { ocspRequestData: { ...hash, responderURL: "http://ocsp.example" } },
  LogStatusNotification: { status: "Idle" },
  NotifyChargingLimit: { chargingLimit: { chargingLimitSource: "EMS" } },
  NotifyCustomerInformation: { data: "none", seqNo: 0, generatedAt: now, requestId },
  NotifyDisplayMessages: { requestId },
  NotifyEVChargingNeeds: { evseId, chargingNeeds: { requestedEnergyTransfer: "AC_three_phase" } },
  NotifyEVChargingSchedule: { timeBase: now, evseId, chargingSchedule },
  NotifyEvent: {
    generatedAt: now,
    seqNo: 0,
    eventData: [
      {
        eventId: 1,
        timestamp: now,
        trigger: "Delta",
        actualValue: "true",
        eventNotificationType: "HardWiredNotification",
        component: { name: "EVSE", evse: { id: evseId } },
        variable: { name: "Problem" },
      },
    ],
  },
  NotifyMonitoringReport: { requestId, seqNo: 0, generatedAt: now },
  NotifyReport: { requestId, seqNo: 0, generatedAt: now },
  PublishFirmwareStatusNotification: { status: "Idle" },
  ReportChargingProfiles: {
    requestId,
    evseId,
    chargingLimitSource: "CSO",
    chargingProfile: [
      {
        id: 1,
        stackLevel: 0,
        chargingProfilePurpose: "TxDefaultProfile",
        chargingProfileKind: "Relative",
        chargingSchedule: [chargingSchedule],
      },
    ],
  },
  ReservationStatusUpdate: { reservationId: 1, reservationUpdateStatus: "Expired" },
  SecurityEventNotification: { type: "StartupOfTheDevice", timestamp: now },
  SignCertificate: { csr: "-----BEGIN CERTIFICATE REQUEST-----" },
});

const since21 = (now, transactionId) => ({
  BatterySwap: {
    batteryData: [{ evseId, serialNumber: "B1", soC: 50, soH: 90 }],
    eventType: "BatteryIn",
    idToken: { idToken: "SWAP", type: "Central" },
    requestId,
  },
  ClosePeriodicEventStream: { id: 1 },
  GetCertificateChainStatus: {
    certificateStatusRequests: [{ certificateHashData: hash, source: "OCSP", urls: ["http://ocsp.example"] }],
  },
  NotifyDERAlarm: { controlType: "FreqDroop", timestamp: now },
  NotifyDERStartStop: { controlId: "c1", started: true, timestamp: now },
  NotifyPriorityCharging: { transactionId, activated: false },
  NotifySettlement: { pspRef: "psp-1", status: "Settled", settlementAmount: 1.5, settlementTime: now },
  OpenPeriodicEventStream: { constantStreamData: { id: 1, params: {}, variableMonitoringId: 1 } },
  PullDynamicScheduleUpdate: { chargingProfileId: 1 },
  ReportDERControl: { requestId },
  VatNumberValidation: { vatNumber: "TR1234567890" },
});

export async function notices({ call, cp, flags, now }, transactionId) {
  const at = now();
  const all = { ...since201(at), ...(flags.protocol === "ocpp2.1" && since21(at, transactionId)) };
  for (const [action, params] of Object.entries(all)) await call(action, params);
  if (!flags.send) return;
  // SEND has no answer, and CALLRESULTERROR is one. The library knows neither and would take any reply as a fault.
  const stream = { id: 1, pending: 0, basetime: at, data: [{ t: 0, v: "21" }] };
  cp.sendRaw(JSON.stringify([6, "stream-1", "NotifyPeriodicEventStream", stream]));
  cp.sendRaw(JSON.stringify([5, "never-asked", "InternalError", "", {}]));
  await call("Heartbeat", {});
}
