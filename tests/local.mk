# SPDX-License-Identifier: BSD-2-Clause
# Tests.  Each part has a folder, a local.mk, and a target of its own.  A part
# named p gives
#
#	p_tests		its programs: each is built, run, and ends with 0
#	p_scripts	its shell scripts (*.sh), run in the same way
#
# and says what may run beside others, what is run alone (alone_tests), and what
# sanitizer builds run (asan_tests, tsan_tests, sanitizer_scripts).  An exit status of 77 is
# "skipped", with the reason printed.

alone_tests =
asan_tests =
tsan_tests =
sanitizer_scripts =
check_LTLIBRARIES =

include tests/lint/local.mk
include tests/unit/local.mk
include tests/sim/local.mk
include tests/torture/local.mk
include tests/story/local.mk
include tests/nats/local.mk

# The longest first, so that another CPU has the rest to do meanwhile.
test_programs = $(sim_tests) $(unit_tests) $(torture_tests) $(story_tests)
test_scripts = $(lint_scripts) $(unit_scripts) $(sim_scripts) \
	$(torture_scripts) $(story_scripts) $(httpd_scripts)

if TSAN
check_PROGRAMS += $(tsan_tests)
TESTS += $(tsan_tests) $(sanitizer_scripts)
else
if ASAN
check_PROGRAMS += $(asan_tests)
TESTS += $(asan_tests) $(sanitizer_scripts)
else
check_PROGRAMS += $(test_programs)
TESTS += $(test_programs) $(test_scripts)
endif
endif

EXTRA_DIST += $(test_scripts) tests/desks.sh tests/host_absent.h tests/packages.sh tests/sanitizers.h \
	tests/tsan_ck.h tests/wrap.h

# ---- how a test is run ---------------------------------------------------------

# A test that hangs has failed; the simulator needs a third of this when alone.
TEST_SECONDS = 900
TEST_EXTENSIONS = .sh
LOG_COMPILER = timeout -k 10 $(TEST_SECONDS) $(TSAN_RUN)
SH_LOG_COMPILER = timeout -k 10 $(TEST_SECONDS) $(SHELL)
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	CC='$(CC)'; CXX='$(WARD_CXX)'; MAKE='$(MAKE)'; SHELL='$(SHELL)'; \
	PKG_CONFIG='$(PKG_CONFIG)'; WRK='$(WRK)'; MANDOC='$(MANDOC)'; \
	EXAMPLES_LEFT_OUT='$(EXAMPLES_LEFT_OUT)'; \
	WARD_SANITIZE='$(WARD_SANITIZE)'; TSAN_RUN='$(TSAN_RUN)'; \
	ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1; \
	UBSAN_OPTIONS=print_stacktrace=1; \
	export top_srcdir top_builddir CC CXX MAKE SHELL PKG_CONFIG WRK MANDOC \
		EXAMPLES_LEFT_OUT WARD_SANITIZE TSAN_RUN ASAN_OPTIONS UBSAN_OPTIONS;

# Tests that run alone come after all the others, one after another.
alone_logs = $(patsubst %,%.log,$(basename $(alone_tests)))
late_logs = $(filter $(alone_logs),$(TEST_LOGS))
early_logs = $(filter-out $(alone_logs),$(TEST_LOGS))
define run_after
$(1): | $(early_logs) $(before)
endef
before =
$(foreach l,$(late_logs),$(eval $(call run_after,$(l)))$(eval before = $(l)))

# ---- a target for each part ----------------------------------------------------

.PHONY: lint unit sim torture story refusals nats-bugs check-httpd asan tsan clang \
	asan-programs tsan-programs clang-programs clang-built clang-tests \
	test-programs check-dist check-packages abi abi-check

# One part builds what it runs and no more, and its summary has a name of its own:
# two parts may run at the same time.
part = $(MAKE) $(AM_MAKEFLAGS) check-TESTS TEST_SUITE_LOG=$@-suite.log
MOSTLYCLEANFILES = abi-check-suite.log lint-suite.log unit-suite.log sim-suite.log torture-suite.log \
	story-suite.log check-httpd-suite.log

lint: all
	+$(part) TESTS='$(lint_scripts)' check_PROGRAMS= check_LTLIBRARIES=
unit: all
	+$(part) TESTS='$(unit_tests) $(unit_scripts)' \
		check_PROGRAMS='$(unit_tests)' check_LTLIBRARIES=
sim: all
	+$(part) TESTS='$(sim_tests) $(sim_scripts)' \
		check_PROGRAMS='$(sim_tests)' check_LTLIBRARIES=
torture: all
	+$(part) TESTS='$(torture_tests) $(torture_scripts)' \
		check_PROGRAMS='$(torture_tests)' check_LTLIBRARIES=
story: all
	+$(part) TESTS='$(story_tests) $(story_scripts)' \
		check_PROGRAMS='$(story_tests) $(story_programs)' \
		check_LTLIBRARIES=tests/story/plugin.la
# What programs have compiled in, beside that of the last release; 'abi' writes it anew.
abi-check:
	+$(part) TESTS=tests/lint/abi.sh check_PROGRAMS= check_LTLIBRARIES=
abi:
	top_srcdir='$(abs_top_srcdir)' CC='$(CC)' \
		$(SHELL) $(top_srcdir)/tests/lint/abi.sh write
# All that a kernel may refuse; its story tries a seventh of it, each day another.
refusals: tests/story/refusals
	top_srcdir='$(abs_top_srcdir)' tests/story/refusals all
# Bugs planted in libward-nats: its unit tests find each.  BUGS='NAME...': these alone.
nats-bugs: PART_LIBS = $(unit_part_libs)
nats-bugs: $(nats_tests)
	@top_srcdir='$(abs_top_srcdir)' COMPILE='$(COMPILE) -w' \
		LINK='$(LIBTOOL) --silent --tag=CC --mode=link $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS)' \
		WRAP='$(nats_lost_wrap)' LIBS='$(nats_test_libs) $(LIBS)' \
		$(SHELL) $(top_srcdir)/tests/nats/bugs.sh $(BUGS)
# Tells what was seen, too: requests, faults, threads, memory, the audit.
check-httpd: all
	+@$(part) TESTS='$(httpd_scripts)' \
		check_PROGRAMS='$(httpd_programs)' check_LTLIBRARIES=; \
	status=$$?; \
	for log in $(httpd_scripts:.sh=.log); do \
		echo; echo "$$log"; cat $$log; \
	done; exit $$status

test-programs: $(check_PROGRAMS) $(check_LTLIBRARIES)

# The sanitizers' builds live in folders of their own, below this one; what is no
# test is not built there.  (-g1 has the names and lines of their reports; all of -g
# takes a fifth of the compiler's time.)
SANITIZED = $(abs_top_srcdir)/configure CC='$(CC)' CFLAGS='-O1 -g1' \
	--disable-shared --enable-werror='$(enable_werror)'
asan/config.status:
	$(MKDIR_P) asan
	cd asan && $(SANITIZED) --enable-sanitizer=address
tsan/config.status:
	$(MKDIR_P) tsan
	cd tsan && $(SANITIZED) --enable-sanitizer=thread
asan-programs tsan-programs: %-programs: %/config.status
	cd $* && $(MAKE) $(AM_MAKEFLAGS) test-programs
asan tsan: %: %-programs
	cd $@ && $(MAKE) $(AM_MAKEFLAGS) check-TESTS

# Another compiler: all of the library under its warnings, what its archive shows, and
# the tests of what compilers do in ways of their own: frames, jumps, faults, fences.
# (Warnings about tests are gcc's affair.)
clang_tests = \
	tests/story/death \
	tests/story/faults \
	tests/story/fork_heals
if HAVE_CRITERION
clang_tests += \
	tests/unit/test_bell \
	tests/unit/test_deque \
	tests/unit/test_fault \
	tests/unit/test_fork \
	tests/unit/test_host_fault \
	tests/unit/test_host_trace \
	tests/unit/test_slot
endif
clang/config.status:
	$(MKDIR_P) clang
	cd clang && $(abs_top_srcdir)/configure CC=clang CXX=clang++ \
		CFLAGS='-O2 -g' --disable-shared --disable-cxx-rivals \
		--enable-werror='$(enable_werror)'
clang-built: libward.la
	$(MAKE) $(AM_MAKEFLAGS) test-programs WARD_WARN= \
		check_PROGRAMS='$(clang_tests)' check_LTLIBRARIES=
clang-tests: clang-built
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS WARD_WARN= \
		check_PROGRAMS='$(clang_tests)' check_LTLIBRARIES= \
		TESTS='$(clang_tests) tests/lint/circles.sh tests/lint/exports.sh'
clang-programs:
	@if ! command -v clang >/dev/null; then \
		echo 'skipped: apt-get install clang'; exit 0; \
	fi; \
	$(MAKE) $(AM_MAKEFLAGS) clang/config.status && \
		cd clang && $(MAKE) $(AM_MAKEFLAGS) clang-built
clang: clang-programs
	@test ! -f clang/config.status || { \
		cd clang && $(MAKE) $(AM_MAKEFLAGS) clang-tests; }

# The tarball builds, passes the lint that asks what is in it (all that the tests
# are made of is, says listed.sh), installs and goes away without a trace.
check-dist:
	$(MAKE) $(AM_MAKEFLAGS) distcheck check_PROGRAMS= check_LTLIBRARIES= \
		TESTS='$(filter-out %/header.sh %/programs.sh %/style.sh,$(lint_scripts))'

# The packages, in a Debian that has nothing else.  Root and a mirror; minutes.
check-packages: dist
	@$(SHELL) $(top_srcdir)/tests/packages.sh $(distdir).tar.gz || test $$? -eq 77

distclean-local:
	rm -rf asan clang tsan
