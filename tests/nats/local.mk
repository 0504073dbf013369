# SPDX-License-Identifier: BSD-2-Clause
# NATS servers that tests and benches start, for what they feed.

if HAVE_NATS
noinst_LTLIBRARIES += tests/nats/libcluster.la
endif
tests_nats_libcluster_la_SOURCES = \
	tests/nats/cluster.c \
	tests/nats/cluster.h \
	tests/nats/fill.c \
	tests/nats/proxy.c \
	tests/nats/proxy.h \
	tests/nats/queue.c \
	tests/nats/queue.h \
	tests/nats/read.c
tests_nats_libcluster_la_CPPFLAGS = $(AM_CPPFLAGS) $(NATS_CFLAGS)
tests_nats_libcluster_la_LIBADD = $(NATS_LIBS)

# For scripts.
if HAVE_NATS
check_PROGRAMS += tests/nats/with_nats
endif
tests_nats_with_nats_LDADD = tests/nats/libcluster.la

EXTRA_DIST += tests/nats/bugs tests/nats/bugs.sh
