#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What programs have compiled in of the headers is as in lib/ward.abi, that of the last
# release: the type of each name in the maps of both libraries, of all that these lead to,
# and the value of each constant.  Some may differ: lib/ward.abignore (docs/abi.md).
#
#	abi.sh [write]
set -eu
name=WARD_[A-Z0-9_]*
file=$top_srcdir/lib/ward.abi
for tool in abidw abidiff; do
	command -v $tool >/dev/null || {
		echo "skipped: $tool is missing: apt-get install abigail-tools"
		exit 77
	}
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

includes() {
	printf '#include <ward/%s.h>\n' ward nats
}

# By libabigail a change of a variable's type is one of the ABI, and the library's own
# types are not in its way here, as they are in libward.so.
variables() {
	includes
	sed -n 's/^\t\(ward_.*\);$/__typeof__(\&\1) type_of_\1;/p' \
		"$top_srcdir/lib/ward.map" "$top_srcdir/lib/ward-nats.map"
	echo 'struct ward_fork_words_ *type_of_ward_fork_words_;'
	echo 'enum value {'
	constants | LC_ALL=C sort -u | sed 's/.*/	value_of_& = &,/'
	echo '} value;'
}

# Macros that are numbers, and all names of enumerations.
constants() {
	read_header -dM | grep -v '_VERSION_' |
		sed -n "s/^#define \($name\) [(0-9].*/\1/p"
	read_header -P | tr -s ' \t' '\n\n' | sed -n "
		/^enum$/,/}/s/^\($name\),*$/\1/p"
}

read_header() { # OPTION
	includes | $CC -E "$1" -I"$top_srcdir/include" -
}

variables >"$scratch/abi.c"
$CC -g -fPIC -shared -I"$top_srcdir/include" "$scratch/abi.c" -o "$scratch/abi.so"
machine=$(od -An -tu2 -j18 -N2 "$scratch/abi.so")
if [ "$machine" -ne 62 ]; then
	echo "skipped: lib/ward.abi is that of x86-64"
	exit 77
fi

if [ "${1-}" = write ]; then
	# less what is said of each name alike
	abidw --no-show-locs --no-corpus-path --no-comp-dir-path --no-elf-needed \
		--no-write-default-sizes --no-parameter-names \
		--type-id-style hash "$scratch/abi.so" |
		sed "s/^ *//; s/ mangled-name='[^']*'//; s/ is-defined='yes'//
			s/ binding='[^']*'//; s/ visibility='default-[^']*'//" >"$file"
	exit
fi
abidiff --suppressions "$top_srcdir/lib/ward.abignore" --no-added-syms "$file" \
	"$scratch/abi.so" || {
	echo "lib/ward.abi differs; see docs/abi.md"
	exit 1
}
echo "$(grep -c type_of_ "$scratch/abi.c") names as in lib/ward.abi"
