#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# link.sh libNAME.la COMMAND...: links that by the command, and then makes one object of
# all that is in its archive, where only what NAME.map names is global.
# An archive has no list of what it shows: a program's own pool_new() would else be
# called by the library, or the library's by the program.
set -eu

lib=${1%.la}
name=${lib#lib}
archive=.libs/$lib.a
one=.libs/$name.o
shown=.libs/$name.shown
shift

# Of the flags only those that say for which machine and by which linker; what -flto
# has left to the linker is done here, so that the names are known.
flags=
for flag in $CFLAGS $LDFLAGS; do
	case $flag in
	-m* | -O* | -flto* | -fuse-ld=*) flags="$flags $flag" ;;
	esac
done

make_one() {
	sed -n 's/^\t\(ward_.*\);$/\1/p' "${0%/*}/$name.map" >"$shown" &&
		$CC $flags $ONE_FLAGS -r -nostdlib -o "$one" -Wl,--whole-archive \
			"$archive" -Wl,--no-whole-archive &&
		$OBJCOPY --keep-global-symbols="$shown" "$one" &&
		rm -f "$archive" && $AR cr "$archive" "$one" &&
		$RANLIB "$archive"
}

"$@"
if [ -e "$archive" ] && ! make_one; then
	rm -f "$lib.la" "$archive"
	exit 1
fi
rm -f "$one" "$shown"
