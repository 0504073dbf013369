#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The test of the tests: each rule of layers.sh, style.sh, listed.sh, names.sh, circles.sh,
# manual.sh and programs.sh is broken once in a small tree, and must be found there; the
# tree itself must pass.
set -eu
lint=$top_srcdir/tests/lint
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

plant() { # a clean tree
	rm -rf "$tree"
	mkdir -p "$tree/include/ward" "$tree/lib/base" "$tree/lib/sync" \
		"$tree/lib/pool" "$tree/lib/run" "$tree/adapters/one" "$tree/benchmarks" \
		"$tree/docs" "$tree/examples" "$tree/man" "$tree/tools" \
		"$tree/tests/unit"
	spdx='/* SPDX-License-Identifier: BSD-2-Clause */'
	printf '%s\n#include <stdint.h>\n' "$spdx" >"$tree/include/ward/base.h"
	printf '%s\n#include <pthread.h>\n' "$spdx" >"$tree/lib/base/host.h"
	printf '%s\n#include "base/host.h" /* down */\n' "$spdx" \
		>"$tree/lib/sync/ring.h"
	printf '%s\n#include "sync/ring.h"\n#include <ward/base.h>\n%s\n' \
		"$spdx" '/* free(this) is prose */ int host_free(int);' \
		>"$tree/lib/pool/pool.c"
	printf '%s\n' '`struct pool` is in `pool.h`: `pool_new()` `pool.c`, and' \
		'`ring.h` on `host.h`,' \
		'what POOL_* says.  `OVER` is over; others call pthread_join().' \
		>"$tree/docs/overview.md"
	printf '| %s | %s | `%s` | %s |\n' word meaning pool.h elsewhere \
		'bell ring' 'wakes' pool.h rte_ring >"$tree/docs/glossary.md"
	printf '| [%s](%s) | what is in it |\n' it overview.md it glossary.md \
		>"$tree/docs/README.md"
	printf '%s\n#define POOL_OVER 1\nstruct pool { int bell_rings, word; };\n' \
		"$spdx" >"$tree/lib/pool/pool.h"
	echo '/* as pool_new() has it */ int pool_new(void);' \
		>>"$tree/lib/pool/pool.c"
	for f in Makefile.am lib/local.mk adapters/local.mk adapters/one/local.mk \
		benchmarks/local.mk man/local.mk examples/local.mk tools/local.mk \
		tests/local.mk tests/unit/local.mk; do
		echo '# SPDX-License-Identifier: BSD-2-Clause' >"$tree/$f"
	done
	(cd "$tree" && find include lib -name '*.[ch]') >>"$tree/lib/local.mk"
	echo lib/sync/bell.h >>"$tree/lib/local.mk" # to come
}

refused() { # SCRIPT FILE LINE: adding LINE to FILE must be found by SCRIPT
	plant
	printf '%s\n' "$3" >>"$tree/$2"
	if said=$(sh "$lint/$1" "$tree"); then
		echo "$1 did not find in $2: $3"
		failed=1
	elif ! printf '%s\n' "$said" | grep -q "^$2[: ]"; then
		echo "$1 blamed something else than $2: $said"
		failed=1
	fi
}

plant
for script in layers.sh style.sh listed.sh names.sh; do
	if ! sh "$lint/$script" "$tree"; then
		echo "$script refused a clean tree"
		failed=1
	fi
done

refused layers.sh lib/sync/ring.h '#include "pool/pool.h"'
refused layers.sh lib/base/host.h '# include "sync/ring.h"'
refused layers.sh lib/pool/pool.c '#include "heal/judge.h" /* up */'
refused layers.sh lib/pool/pool.c '#include "pool.h"'
refused layers.sh lib/pool/pool.c '#include "flow/lane.h"'
for header in pthread.h time.h signal.h sys/syscall.h linux/futex.h \
	malloc.h stdlib.h unistd.h; do
	refused layers.sh lib/pool/pool.c "#include <$header>"
done
refused layers.sh lib/pool/pool.c '	void *p = malloc(8);'
refused layers.sh lib/pool/pool.c '	free (p);'
refused layers.sh lib/pool/pool.c '	abort();'
refused layers.sh lib/pool/pool.c '	return atomic_load(&word);'
refused layers.sh lib/base/host.h '	__sync_synchronize();'
refused layers.sh lib/sync/ring.h '	__atomic_store_n(&w, 1, __ATOMIC_SEQ_CST);'
refused layers.sh include/ward/base.h '#include <pthread.h>'
refused style.sh lib/pool/pool.c "int blank; "
refused style.sh lib/pool/pool.c "$(printf '\t%096d' 1)"
refused style.sh lib/run/bare.c 'int no_licence;'
refused listed.sh lib/run/lost.c 'int forgotten;'
refused listed.sh tests/unit/lost.sh 'true'
refused listed.sh man/lost.3 '.Dd today'
refused listed.sh lib/sync/bell.h 'int untold;'
refused listed.sh docs/lost.md 'behind no door'
refused listed.sh LOST.md 'nor in the tarball'
for gone in 'see gone()' '`struct gone`' '`gone.c`' 'POOL_GONE' 'a `gone`' \
	'`pool_new()` ring.h' 'GONE' 'as `pool.gone`' 'all of GONE_*'; do
	refused names.sh docs/overview.md "$gone"
done
refused names.sh docs/glossary.md '| gone | it is not there | `pool.h` | lost |'
refused names.sh docs/glossary.md '| bell | stands elsewhere | `ring.h` | - |'
refused names.sh docs/glossary.md '| bell word | stands there in two words | `pool.h` | - |'
refused names.sh lib/pool/pool.c '/* as gone() has it */'
refused names.sh lib/sync/ring.h '/* a pool_gone or two */'
refused names.sh include/ward/base.h '/* from OVER to GONE */'

# What manual.sh says of a tree of one header and one page, in which LINE stands for what
# matches PATTERN in FILE.
manual() { # SAID FILE PATTERN LINE
	rm -rf "$tree"
	mkdir -p "$tree/include/ward" "$tree/man"
	cat >"$tree/include/ward/pool.h" <<-'EOT'
	enum { WARD_POOL_AHEAD = 1 };
	struct ward_pool {
	int size;
	int (*run)(void *arg,
		int more), ring;
	};
	WARD_API WARD_MUST int ward_submit(struct ward_pool *pool,
		const char *name);
	EOT
	cat >"$tree/man/ward_submit.3" <<-'EOT'
	.Dd November 30, 2026
	.Dt WARD_SUBMIT 3
	.Os
	.Sh NAME
	.Nm ward_submit
	.Nd hand tasks to a pool
	.Sh SYNOPSIS
	.In ward/ward.h
	.Ft int
	.Fn ward_submit "struct ward_pool *pool" "const char *name"
	.Sh DESCRIPTION
	.Fn ward_submit
	calls run with the ring
	.Dv WARD_POOL_AHEAD .
	.Sh SEE ALSO
	.Xr fork 2
	EOT
	sed -i "s/$3/$4/" "$tree/$2"
	said=$(sh "$lint/manual.sh" "$tree" 2>&1 | sed '/^without mandoc/d')
	[ "$said" = "$1" ] && return
	echo "manual.sh said of $4 for $3: $said"
	failed=1
}

page=man/ward_submit.3
manual '' $page none none
manual 'ward_submit.3: int ward_submit(struct ward_pool*pool)
  is: int ward_submit(struct ward_pool*pool, const char*name)' \
	$page ' "const char .*' ''
manual 'ward_submit.3: no header has ward_gone' $page '^\.Fn ward_submit$' '.Fn ward_gone'
manual 'ward_submit.3: no header has WARD_GONE' $page 'WARD_POOL_AHEAD' \
	'WARD_POOL_AHEAD , WARD_GONE'
manual 'ward_submit.3: no page ward_gone.3' $page '^\.Xr .*' '.Xr ward_gone 3'
manual 'ward_submit.3: ward_gone is in NAME only' $page '^\.Nm .*' \
	'.Nm ward_submit ,\n.Nm ward_gone'
manual 'ward_submit.3: ward_go is in NAME only
ward_submit.3: ward_submit is not in NAME' $page '^\.Nm .*' '.Nm ward_go'
manual 'ward_new() is in no page' include/ward/pool.h '^};' \
	'};\nWARD_API void ward_new(void);'
manual 'WARD_NEW is in no page' include/ward/pool.h AHEAD 'AHEAD, WARD_NEW'
manual 'fresh of struct ward_pool is in no page' include/ward/pool.h '^int size' \
	'int size, fresh'
[ -z "${MANDOC:-}" ] ||
	manual "mandoc: $page:12:2: ERROR: skipping unknown macro: .Fm ward_submit" \
		$page '^\.Fn ward_submit$' '.Fm ward_submit'

# programs.sh on a document that is no more than a block, what follows it, and a mark.
program() { # STATUS BLOCK OUTPUT MARK
	rm -rf "$tree"
	mkdir -p "$tree"
	{
		echo "${4:-}"
		printf '```c\n%s\n```\nIt prints\n```text\n%s\n```\n' "$2" "$3"
	} >"$tree/README.md"
	status=0
	said=$(sh "$lint/programs.sh" "$tree" 2>&1) || status=1
	[ $status = "$1" ] && return
	echo "programs.sh ended with $status, for $2: $said"
	failed=1
}

main='#include <stdio.h>
int main(void) {'
program 0 "$main puts(\"one two\"); return 0; }" 'one ...'
program 1 "$main puts(\"one two\"); return 0; }" 'one'
program 1 "$main puts(\"one two\"); return 3; }" 'one two'
program 1 "$main int unused; return 0; }" ''
program 1 'int one;' ''
program 0 'int one;' '' '<!-- part -->'
program 1 'int one' '' '<!-- part -->'

# circles.sh on the library that FILE:C-CODE... make: its status, and what it says.
circles() { # STATUS SAID OPTION FILE:C-CODE...
	expected=$1
	says=$2
	option=$3
	rm -rf "$tree/lib"
	shift 3
	for unit; do
		file=$tree/lib/${unit%%:*}
		source=$(echo "$file" | sed 's|/\.libs||').c
		mkdir -p "${file%/*}"
		echo "${unit#*:}" >"$source"
		[ "$option" = lost ] || $CC -c "$source" -o "$file.o"
	done
	status=0
	said=$(top_srcdir=$tree top_builddir=$tree \
		sh "$lint/circles.sh" "${option#lost}" 2>&1) || status=$?
	[ $status = "$expected" ] && [ "$said" = "$says" ] && return
	echo "circles.sh $option ended with $status, for $*: $said"
	failed=1
}

a='task/a:void b(void); void a(void) { b(); }'
b='task/b:void c(void); void b(void) { c(); }'
c='task/c:void a(void); void c(void) { a(); }'
in_libs='task/.libs/c:void a(void); void c(void) { a(); }'
down='task/c:void ring(void); void c(void) { ring(); }'
ring='sync/ring:void ring(void) { }'
up='sync/ring:void c(void); void ring(void) { c(); }'
leaf='task/c:void c(void) { }'
calls='task/a > task/b: b
task/b > task/c: c
task/c > task/a: a'
circles 0 '' '' "$a" "$b" "$down" "$ring"
circles 0 '' --calls "$a" "$b" "$down" "$ring"
circles 1 'circle task: a b c' '' "$a" "$b" "$c"
circles 1 "circle task: a b c
$calls" --calls "$a" "$b" "$c"
circles 1 'circle task: a b c' '' "$a" "$b" "$in_libs"
circles 1 'up sync/ring > task/c' '' "$leaf" "$up"
circles 1 'up sync/ring > task/c
sync/ring > task/c: c' --calls "$leaf" "$up"
circles 1 'lib/task/c.c: no object' lost "$leaf"
circles 1 '2 files have objects, 1 show anything' '' "$leaf" 'task/a:typedef int a;'
circles 1 'lib/task/d.c: its object shows nothing' '' "$leaf" \
	'task/a:static int a; int *b(void); int *b(void) { return &a; }' \
	'task/d:static int d __attribute__((used));'
circles 1 'lib/odd/a.c: is in no layer' '' 'odd/a:void a(void) { }'
exit $failed
