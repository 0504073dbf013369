#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libuv as it is, configured and built in DIR: from the sources in SOURCE, or, where
# that is empty, from those of Debian's package, which apt-get fetches.
#
#	source.sh DIR [SOURCE]	LIBUV_CFLAGS: in place of -g -O2
set -eu
dir=$1 source=${2-} fetch=$(cd "$(dirname "$0")/.." && pwd)/fetch.sh

fail() {
	echo "libuv: $*; or name its sources: make libuv LIBUV_SOURCE=DIRECTORY" >&2
	exit 1
}

rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
cd "$(dirname "$dir")"
name=$(basename "$dir")
if [ -n "$source" ]; then
	[ -f "$source/src/unix/core.c" ] || fail "$source: not libuv's sources"
	cp -r "$source" "$name"
else
	rm -rf libuv1[-_]*
	sh "$fetch" deb-src source libuv1 || fail "no sources"
	mv libuv1-*/ "$name"
	rm -rf libuv1_*
fi
cd "$name"
case ${LIBUV_CFLAGS-} in
*-fsanitize*) # sees no assembly; the compiler's own is beside it
	[ ! -e src/unix/atomic-ops.h ] ||
		sed -i 's/defined(__i386__) || defined(__x86_64__)/0/' src/unix/atomic-ops.h
	;;
esac
[ -x configure ] || sh autogen.sh >autogen.log 2>&1 || fail "$dir/autogen.log"
./configure -q --disable-static CC="${CC:-cc}" CFLAGS="${LIBUV_CFLAGS:--g -O2}" >configure.log 2>&1 ||
	fail "$dir/configure.log"
make -s clean >/dev/null # what SOURCE had built
