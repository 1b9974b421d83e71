#!/usr/bin/env bash
# Measures the relay on loopback: added latency at 5 000 messages/s, and CPU with detection against CPU without.
# tools/bench-relay.sh [flags of test/relayload]
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(mktemp -d)
trap 'rm -rf "$bin"' EXIT
go build -o "$bin/relayload" ./test/relayload
"$bin/relayload" "$@"
