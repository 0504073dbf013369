# SPDX-License-Identifier: BSD-2-Clause
# Other projects' pools on this one; what they share.

adapter_sources = \
	adapters/log.c \
	adapters/log.h \
	adapters/settings.c \
	adapters/settings.h \
	adapters/setup.c \
	adapters/setup.h
EXTRA_DIST += adapters/alone.sh adapters/bench.awk adapters/bench.sh \
	adapters/fetch.sh
# A pool's threads stay to the end; a child begins threads of its own.
TSAN_STAYS = report_thread_leaks=0 die_after_fork=0 atexit_sleep_ms=0
