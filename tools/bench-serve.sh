#!/usr/bin/env bash
# Measures 'hayalet serve' on loopback beside a bare server and ocpp-go, then the memory of 19 000 idle stations. It fails
# where the phantom among the stations is not found, or anything else is.
# tools/bench-serve.sh [flags of test/serveload], for example -time 5s -warm 2s -stations 200 -idle 0
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
mkdir -p bin
work=$(mktemp -d "$PWD/bin/bench-serve.XXXXXX") # on a disk, which the folder for temporary files may not be
trap 'rm -rf "$work"' EXIT
go build -o "$work/" ./cmd/hayalet ./test/serveload
(cd test/ocppgo && go build -o "$work/" .)
"$work/serveload" -hayalet "$work/hayalet" -ocppgo "$work/ocppgo" -dir "$work" "$@"
