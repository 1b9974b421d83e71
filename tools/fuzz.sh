#!/usr/bin/env bash
# Runs every fuzzer of the main module, one after the other: tools/fuzz.sh DURATION
set -euo pipefail
cd "$(dirname "$0")/.."
duration=${1:?usage: tools/fuzz.sh DURATION}

# "package-folder fuzzer" pairs; test/ and tools/ are no part of the product.
fuzzers=$(find . \( -path ./bin -o -path ./test -o -path ./tools -o -path '*/node_modules' \) -prune -o -name '*_test.go' \
	-exec grep -oH '^func Fuzz[A-Za-z0-9_]*' {} + |
	sed -E 's|^(.*)/[^/]+:func (.*)$|\1 \2|' | sort)

# go test -fuzz at times reports its own time limit as a failure: "context deadline exceeded" and nothing else, for no
# input at all. What an input did wrong is reported with the input, and is written to testdata/fuzz.
own_limit_only() {
	grep -q '^ *context deadline exceeded$' <<<"$1" &&
		! grep -qE 'Failing input written|Failed input|panic:|^ +[^ ]+_test\.go:|DATA RACE|exited|terminated' <<<"$1"
}

while read -r dir name; do
	[ -n "$name" ] || continue
	if said=$(go test -run '^$' -fuzz "^$name\$" -fuzztime "$duration" "$dir" 2>&1) || own_limit_only "$said"; then
		echo "fuzz $name in $dir for $duration: nothing found"
	else
		printf '%s\n' "$said"
		exit 1
	fi
done <<<"$fuzzers"
