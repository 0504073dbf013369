#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libuv as it is, configured and built in DIR: from the sources in SOURCE, or, where
# that is empty, from those of Debian's package, which apt-get fetches.
#
#	source.sh DIR [SOURCE]	LIBUV_CFLAGS: in place of -g -O2
set -eu
dir=$1 source=${2-}

fail() {
	echo "libuv: $*; or name its sources: make libuv LIBUV_SOURCE=DIRECTORY" >&2
	exit 1
}

# Lists and a deb-src line of its own: the machine's stay as they are.
fetch() {
	command -v apt-get >/dev/null || fail "no apt-get here"
	command -v dpkg-source >/dev/null || fail "apt-get install dpkg-dev"
	. /etc/os-release
	[ "${ID-}" = debian ] || fail "only Debian's sources are known here"
	apt=$(pwd)/apt
	rm -rf apt
	mkdir -p apt/lists/partial apt/cache/archives/partial
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		grep -m 1 '/debian/*$') || mirror=http://deb.debian.org/debian
	echo "deb-src $mirror $VERSION_CODENAME main" >apt/sources.list
	set -- -qq -o APT::Sandbox::User="$(id -un)" -o Dir::Cache="$apt/cache" \
		-o Dir::Etc::SourceList="$apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$apt/lists"
	apt-get "$@" update && apt-get "$@" source libuv1 >apt/log 2>&1 || {
		cat apt/log >&2
		fail "apt-get has no source of libuv1"
	}
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
	fetch
	mv libuv1-*/ "$name"
	rm -rf apt libuv1_*
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
