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
