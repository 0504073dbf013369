# SPDX-License-Identifier: BSD-2-Clause
# Real threads, planted faults, and the books audited at the end.
#
#	make torture SECONDS=600
#	make soak HEALS=1000000		not a part of check: minutes

torture_tests = tests/torture/torture
torture_scripts =

tests_torture_torture_SOURCES = \
	tests/torture/cycle.c \
	tests/torture/fate.c \
	tests/torture/house.c \
	tests/torture/job.c \
	tests/torture/perturb.c \
	tests/torture/rand.h \
	tests/torture/torture.c \
	tests/torture/torture.h

# perturb.c stands before and behind these.
comma = ,
torture_wrap = host_now host_wait host_wake host_barrier_heavy host_relax \
	host_alloc host_free
tests_torture_torture_LDFLAGS = $(AM_LDFLAGS) \
	$(torture_wrap:%=-Wl$(comma)--wrap=%)

if TSAN
SECONDS = 15
else
if ASAN
SECONDS = 15
else
SECONDS = 20
endif
endif
%/torture.log: export TORTURE_SECONDS = $(SECONDS)

alone_tests += $(torture_tests)
asan_tests += $(torture_tests)
tsan_tests += $(torture_tests)

# A million heals, and what they leave behind.
EXTRA_PROGRAMS += tests/torture/soak
tests_torture_soak_SOURCES = tests/torture/rand.h tests/torture/soak.c
HEALS = 1000000
.PHONY: soak
soak: tests/torture/soak
	tests/torture/soak $(HEALS)
