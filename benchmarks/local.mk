# SPDX-License-Identifier: BSD-2-Clause
# wardbench, at the top of the build tree.  HAVE_UV and HAVE_GLIB are the
# conditionals of the rivals that need a library (UV_CFLAGS, UV_LIBS, ...).

noinst_PROGRAMS += wardbench

wardbench_SOURCES = \
	benchmarks/bench.h \
	benchmarks/cancel.c \
	benchmarks/floor.c \
	benchmarks/heal.c \
	benchmarks/idle.c \
	benchmarks/job.c \
	benchmarks/job.h \
	benchmarks/latency.c \
	benchmarks/limit.c \
	benchmarks/machine.c \
	benchmarks/measure.c \
	benchmarks/measure.h \
	benchmarks/memory.c \
	benchmarks/nothing.c \
	benchmarks/os.h \
	benchmarks/overhead.c \
	benchmarks/restart.c \
	benchmarks/restart.h \
	benchmarks/rivals.c \
	benchmarks/rivals/ck_mpmc.c \
	benchmarks/rivals/mutex.c \
	benchmarks/threads.c \
	benchmarks/threads.h \
	benchmarks/throughput.c \
	benchmarks/trial.c \
	benchmarks/ward.c \
	benchmarks/wardbench.c

wardbench_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/benchmarks
wardbench_LDADD = $(LDADD) -lm

if HAVE_UV
wardbench_SOURCES += benchmarks/rivals/uv.c
wardbench_CPPFLAGS += -DHAVE_UV $(UV_CFLAGS)
wardbench_LDADD += $(UV_LIBS)
endif

if HAVE_GLIB
wardbench_SOURCES += benchmarks/rivals/glib.c
wardbench_CPPFLAGS += -DHAVE_GLIB $(GLIB_CFLAGS)
wardbench_LDADD += $(GLIB_LIBS)
endif
