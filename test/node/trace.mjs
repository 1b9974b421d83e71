// Reads an Open OCPP Trace with @ocpp-debugkit/toolkit and writes what it found as a line of JSON. It ends with exit
// code 1 where the toolkit warns of anything, or where it finds an answer without its call or a call without an answer.
//
//   node trace.mjs TRACE.jsonl

import { readFileSync } from "node:fs";
import {
  buildSessionTimeline,
  deriveOpenOcppTraceView,
  detectFailures,
  looksLikeOpenOcppTrace,
  parseTrace,
  summarizeSession,
} from "@ocpp-debugkit/toolkit/core";

const text = readFileSync(process.argv[2], "utf8");
const { events, warnings } = parseTrace(text);
const view = deriveOpenOcppTraceView(text);
const sessions = buildSessionTimeline(events);
const failures = detectFailures(events, sessions);
sessions.forEach(summarizeSession);

const faults = [
  ...(looksLikeOpenOcppTrace(text) ? [] : ["not told as an Open OCPP Trace"]),
  ...warnings.map((warning) => JSON.stringify(warning)),
  ...view.unansweredCalls.map((i) => `record ${i}: a call without an answer`),
  ...view.orphanResponses.map((i) => `record ${i}: an answer without a call`),
];
process.stdout.write(
  `${JSON.stringify({
    event: "read",
    version: view.schemaVersion,
    ...view.counts,
    events: events.length,
    sessions: sessions.map(({ transactionId, status }) => ({ transactionId, status })),
    failures: failures.map(({ code }) => code),
  })}\n`,
);
if (faults.length > 0) {
  process.stderr.write(`trace.mjs: ${faults.slice(0, 20).join("\n")}\n`);
  process.exit(1);
}
