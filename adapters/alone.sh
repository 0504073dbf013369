#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Root's tests of other projects see a machine of their own.  A network: what is out there
# decides about some.  And files that cannot be changed, but in /tmp: one test of libuv's
# asks for chmod 0 of "/", and cancels it.
#
#	alone.sh SUITE DIR [ARGUMENT]...
#
# SUITE, one of these folders' scripts, is called with what follows it; then SUITE_ALONE is
# a folder of which 'work' can be written to.
set -eu
suite=$1 dir=$2
shift 2
SUITE_ALONE=$(mktemp -d -p /dev/shm)
trap 'rmdir "$SUITE_ALONE"' EXIT
export SUITE_ALONE
unshare --net --mount --propagation private sh -euc '
	suite=$1 here=$2 dir=$3
	shift 3
	mount -t tmpfs -o mode=755 tmpfs "$SUITE_ALONE"
	cd "$SUITE_ALONE"
	mkdir build here tmp work
	mount --bind "$dir" build
	mount --bind "$here" here
	mount --bind tmp /tmp
	chmod 1777 /tmp
	mount -o remount,bind,ro /
	ip link set lo up
	if touch / 2>/dev/null; then exit 2; fi
	exec sh "here/$suite" build "$@"' sh \
	"$(basename "$(dirname "$suite")")/${suite##*/}" \
	"$(cd "$(dirname "$suite")/.." && pwd)" "$(cd "$dir" && pwd)" "$@"
