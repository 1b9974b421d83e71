#!/usr/bin/env bash
# Runs every fuzzer of the main module, one after the other: tools/fuzz.sh DURATION
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:?usage: tools/fuzz.sh DURATION}

# "package-folder fuzzer" pairs; test/ and tools/ are no part of the product.
fuzzers=$(find . \( -path ./bin -o -path ./test -o -path ./tools -o -path '*/node_modules' \) -prune -o -name '*_test.go' \
	-exec grep -oH '^func Fuzz[A-Za-z0-9_]*' {} + |
	sed -E 's|^(.*)/[^/]+:func (.*)$|\1 \2|' | sort)

# Once in a while go test -fuzz reports its own time limit as a failure. A real finding is written to testdata/fuzz, so
# that a second try fails at once; only then is it shown.
fuzz() { go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" "$1" 2>&1; }

while read -r dir name; do
	[ -n "$name" ] || continue
	if said=$(fuzz "$dir" "$name") || said=$(fuzz "$dir" "$name"); then
		echo "fuzz $name in $dir for $duration: nothing found"
	else
		printf '%s\n' "$said"
		exit 1
	fi
done <<<"$fuzzers"
