# SPDX-License-Identifier: BSD-2-Clause
# Unit tests: Criterion, one program for each file of lib/, tests/unit/test_x.c
# for x.c.  Tests that own the time put another host in front of the library's.

unit_tests =
unit_scripts =
UNIT_LIBS = libward-core.la $(CRITERION_LIBS)

if HAVE_CRITERION
endif

asan_tests += $(unit_tests)
