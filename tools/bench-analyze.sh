#!/usr/bin/env bash
# Measures 'hayalet analyze' on JSONL beside 'wc -l' on the same file: tools/bench-analyze.sh [MEGABYTES]
# It prints megabytes a second and the peak of memory of both, and fails where analyze is slower than 200 MB/s or takes
# more than 300 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
megabytes=${1:-1000}
least=200 most=300

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOTOOLCHAIN=${GOTOOLCHAIN:-go1.26.10}
go build -o "$work/hayalet" ./cmd/hayalet

# 1 000 stations charge; each tells its register and power once a minute.
awk -v size=$((megabytes * 1000000)) 'BEGIN {
	for (st = 0; st < 1000; st++) {
		line = sprintf("{\"ts\":\"2026-01-05T00:00:00.000000Z\",\"station\":\"CP_%d\",\"conn\":\"c%d\",\"seq\":1,\"protocol\":\"ocpp1.6\",\"direction\":\"in\",\"frame\":[2,\"s\",\"StartTransaction\",{\"connectorId\":1,\"idTag\":\"T\",\"meterStart\":1000000,\"timestamp\":\"2026-01-05T00:00:00Z\"}]}\n", st, st)
		line = line sprintf("{\"ts\":\"2026-01-05T00:00:00.000000Z\",\"station\":\"CP_%d\",\"conn\":\"c%d\",\"seq\":2,\"protocol\":\"ocpp1.6\",\"direction\":\"out\",\"frame\":[3,\"s\",{\"transactionId\":%d,\"idTagInfo\":{\"status\":\"Accepted\"}}]}\n", st, st, st + 1)
		printf "%s", line
		written += length(line)
	}
	for (minute = 1; written < size; minute++) {
		at = sprintf("2026-01-%02dT%02d:%02d:00", 5 + int(minute / 1440), int(minute / 60) % 24, minute % 60)
		for (st = 0; st < 1000; st++) {
			line = sprintf("{\"ts\":\"%s.%03d000Z\",\"station\":\"CP_%d\",\"conn\":\"c%d\",\"seq\":%d,\"protocol\":\"ocpp1.6\",\"direction\":\"in\",\"frame\":[2,\"5802feb2-1fbd-4a4b-8991-15b1d9d5%04x\",\"MeterValues\",{\"connectorId\":1,\"transactionId\":%d,\"meterValue\":[{\"timestamp\":\"%sZ\",\"sampledValue\":[{\"value\":\"%d.5\",\"context\":\"Sample.Periodic\",\"format\":\"Raw\",\"measurand\":\"Energy.Active.Import.Register\",\"location\":\"Outlet\",\"unit\":\"Wh\"},{\"value\":\"7412.0\",\"context\":\"Sample.Periodic\",\"measurand\":\"Power.Active.Import\",\"location\":\"Outlet\",\"unit\":\"W\"}]}]}]}\n", at, st, st, st, minute + 2, minute % 65536, st + 1, at, 1000000 + minute * 120)
			printf "%s", line
			written += length(line)
		}
	}
}' >"$work/traffic.jsonl"
bytes=$(stat -c %s "$work/traffic.jsonl")

# run NAME COMMAND... sets rate (MB/s) and peak (MB).
run() {
	local name=$1
	shift
	/usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
	read -r seconds user system kilobytes <"$work/time"
	rate=$(awk -v b="$bytes" -v s="$seconds" 'BEGIN { printf "%d", b / 1e6 / (s > 0 ? s : 0.01) }')
	peak=$((kilobytes / 1024))
	echo "$name: $((bytes / 1000000)) MB in $seconds s ($user s of them computing, $system s in the kernel), $rate MB/s, at most $peak MB of memory"
}

cat "$work/traffic.jsonl" >/dev/null # both find it in the page cache
run "wc -l" wc -l "$work/traffic.jsonl"
run "hayalet analyze" "$work/hayalet" analyze "$work/traffic.jsonl"
tail -n 1 "$work/out"
if ((rate < least || peak > most)); then
	echo "missed: at least $least MB/s and at most $most MB are wanted"
	exit 1
fi
