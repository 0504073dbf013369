# SPDX-License-Identifier: BSD-2-Clause
# ward.m4 - the few macros that configure.ac repeats itself with.

# WARD_TRY_FLAGS(VARIABLE, FLAGS): those of FLAGS that the compiler knows.
AC_DEFUN([WARD_TRY_FLAGS], [
	$1=
	for ward_flag in m4_normalize([$2]); do
		AC_MSG_CHECKING([whether $CC knows $ward_flag])
		ward_cflags=$CFLAGS
		CFLAGS="$CFLAGS -Werror $ward_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[extern int x; int x;]], [])],
			[AC_MSG_RESULT([yes]); $1="$$1 $ward_flag"],
			[AC_MSG_RESULT([no])])
		CFLAGS=$ward_cflags
	done
	AC_SUBST([$1])
])

# WARD_SKIP(PACKAGE, WHAT): notes for the summary what is left out without it.
AC_DEFUN([WARD_SKIP], [
	ward_skipped="$ward_skipped
			$1: $2"
])

# WARD_OPTIONAL(NAME, MODULES, PACKAGE, WHAT): HAVE_NAME, NAME_CFLAGS, NAME_LIBS.
AC_DEFUN([WARD_OPTIONAL], [
	PKG_CHECK_MODULES([$1], [$2],
		[ward_have_$1=yes], [ward_have_$1=no; WARD_SKIP([$3], [$4])])
	AM_CONDITIONAL([HAVE_$1], [test "x$ward_have_$1" = xyes])
])

# WARD_CXX_HEADER(NAME, HEADER, OTHER): ward_have_NAME if either is there.
AC_DEFUN([WARD_CXX_HEADER], [
	AC_MSG_CHECKING([for $2 or $3])
	AS_IF([printf '#if !__has_include(<%s>) && !__has_include(<%s>)\n#error\n#endif\n' \
		$2 $3 | $WARD_CXX $CPPFLAGS -E -x c++ - >/dev/null 2>&1],
		[ward_have_$1=yes])
	AC_MSG_RESULT([$ward_have_$1])
])

# WARD_CXX_RIVAL(NAME, TEST, PACKAGE, WHAT): HAVE_NAME, if TEST says ward_have_NAME
# and rivals in C++ are wanted at all.
AC_DEFUN([WARD_CXX_RIVAL], [
	ward_have_$1=no
	AS_IF([test "x$enable_cxx_rivals" = xyes], [
		$2
		AS_IF([test $ward_have_$1 = yes], [ward_cxx_rivals=yes],
			[WARD_SKIP([$3], [$4])])])
	AM_CONDITIONAL([HAVE_$1], [test $ward_have_$1 = yes])
])

# WARD_TSAN_RUNS: how a program built with -fsanitize=thread can be started here.
# Kernels that randomise more bits of an address than the sanitizer's map knows
# need it without; a container may forbid to ask for that.
AC_DEFUN([WARD_TSAN_RUNS], [
	AC_MSG_CHECKING([how ThreadSanitizer runs here])
	ward_cflags=$CFLAGS
	CFLAGS="$CFLAGS -fsanitize=thread"
	TSAN_RUN=none
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [
		for ward_try in "" "setarch $(uname -m) -R"; do
			ward_bad=0
			for ward_i in 1 2 3 4 5 6 7 8; do
				$ward_try ./conftest$EXEEXT >/dev/null 2>&1 || ward_bad=1
			done
			AS_IF([test $ward_bad = 0 && test "$TSAN_RUN" = none],
				[TSAN_RUN=$ward_try])
		done])
	CFLAGS=$ward_cflags
	AS_IF([test "x$TSAN_RUN" = xnone],
		[AC_MSG_RESULT([not at all])
		AC_MSG_ERROR([programs built with -fsanitize=thread do not start here; try: sysctl vm.mmap_rnd_bits=28])],
		[AC_MSG_RESULT([${TSAN_RUN:-as it is}])])
	AC_SUBST([TSAN_RUN])
])
