# SPDX-License-Identifier: BSD-2-Clause
# Real threads, planted faults, and the books audited at the end.

torture_tests =
torture_scripts =

alone_tests += $(torture_tests)
asan_tests += $(torture_tests)
tsan_tests += $(torture_tests)
