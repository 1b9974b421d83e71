#!/usr/bin/env bash
# Makes sure that PostgreSQL's programs are where the tests look for them. The tests run servers of their own, each for its
# time: where the package is installed here, no server is made or started.
set -euo pipefail

if compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null; then
	exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
	echo 'make: the tests need PostgreSQL 15 or later in /usr/lib/postgresql; as root: apt-get install postgresql' >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends postgresql-common
sed -i 's/^#\? *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
apt-get install -q -y --no-install-recommends postgresql
