# SPDX-License-Identifier: BSD-2-Clause
# wardbench, at the top of the build tree.  HAVE_UV and HAVE_GLIB are the
# conditionals of the rivals that need a library (UV_CFLAGS, UV_LIBS, ...).

bin_PROGRAMS += wardbench

wardbench_SOURCES = \
	benchmarks/bench.h \
	benchmarks/burst.c \
	benchmarks/chart.c \
	benchmarks/chart.h \
	benchmarks/cancel.c \
	benchmarks/cells.c \
	benchmarks/cells.h \
	benchmarks/cells_lost.c \
	benchmarks/cells_trip.c \
	benchmarks/cells_ward.c \
	benchmarks/cells_ways.c \
	benchmarks/cost.c \
	benchmarks/cost.h \
	benchmarks/floor.c \
	benchmarks/forkjoin.c \
	benchmarks/forkjoin.h \
	benchmarks/heal.c \
	benchmarks/heal.h \
	benchmarks/heal_healthy.c \
	benchmarks/heal_load.c \
	benchmarks/idle.c \
	benchmarks/inflight.c \
	benchmarks/job.c \
	benchmarks/job.h \
	benchmarks/lanes.c \
	benchmarks/latency.c \
	benchmarks/limit.c \
	benchmarks/losses.c \
	benchmarks/machine.c \
	benchmarks/measure.c \
	benchmarks/measure.h \
	benchmarks/memory.c \
	benchmarks/minute.c \
	benchmarks/minute.h \
	benchmarks/nothing.c \
	benchmarks/objects.c \
	benchmarks/objects.h \
	benchmarks/os.h \
	benchmarks/overhead.c \
	benchmarks/page.c \
	benchmarks/page.h \
	benchmarks/page_cells.c \
	benchmarks/page_heal.c \
	benchmarks/page_speed.c \
	benchmarks/piece.c \
	benchmarks/piece.h \
	benchmarks/placement.c \
	benchmarks/placement.h \
	benchmarks/plain.h \
	benchmarks/port.c \
	benchmarks/progress.c \
	benchmarks/progress.h \
	benchmarks/recall.c \
	benchmarks/report.c \
	benchmarks/restart.c \
	benchmarks/restart.h \
	benchmarks/rival.h \
	benchmarks/rivals.c \
	benchmarks/rivals/ck_mpmc.c \
	benchmarks/rivals/mutex.c \
	benchmarks/steward.c \
	benchmarks/summary.c \
	benchmarks/summary.h \
	benchmarks/svg.c \
	benchmarks/svg.h \
	benchmarks/threads.c \
	benchmarks/threads.h \
	benchmarks/throughput.c \
	benchmarks/timer.c \
	benchmarks/trial.c \
	benchmarks/ward.c \
	benchmarks/wardbench.c \
	benchmarks/work1us.c

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

if HAVE_NATS
wardbench_SOURCES += benchmarks/nats.c benchmarks/nats.h benchmarks/nats_plain.c \
	benchmarks/nats_ward.c
wardbench_CPPFLAGS += -DHAVE_NATS -I$(top_srcdir) $(NATS_CFLAGS)
wardbench_LDADD += libward-nats-core.la tests/nats/libcluster.la $(NATS_LIBS)
endif

# Rivals in C++.  A compiler for it is asked for these objects, and set up for
# nothing else.
cxx_rivals =
if HAVE_TBB
cxx_rivals += benchmarks/rivals/onetbb.o
wardbench_CPPFLAGS += -DHAVE_TBB
endif
if HAVE_MOODYCAMEL
cxx_rivals += benchmarks/rivals/moodycamel.o
wardbench_CPPFLAGS += -DHAVE_MOODYCAMEL
endif
if HAVE_ASIO
cxx_rivals += benchmarks/rivals/asio.o
wardbench_CPPFLAGS += -DHAVE_ASIO
endif
EXTRA_DIST += benchmarks/rivals/asio.cc benchmarks/rivals/moodycamel.cc \
	benchmarks/rivals/onetbb.cc
CLEANFILES += $(cxx_rivals)

if CXX_RIVALS
wardbench_LDADD += $(cxx_rivals) $(TBB_LIBS) -lstdc++
endif
AM_V_CXX = $(AM_V_GEN)
$(cxx_rivals): benchmarks/rivals/%.o: $(top_srcdir)/benchmarks/rivals/%.cc \
		$(top_srcdir)/benchmarks/forkjoin.h \
		$(top_srcdir)/benchmarks/plain.h \
		$(top_srcdir)/benchmarks/rival.h
	@$(MKDIR_P) benchmarks/rivals
	$(AM_V_CXX)$(WARD_CXX) -std=c++17 -O2 -g -pthread $(CPPFLAGS) $(TBB_CFLAGS) \
		-I$(top_srcdir)/include -I$(top_srcdir)/benchmarks -c -o $@ $<

if HAVE_OPENMP
noinst_LTLIBRARIES += benchmarks/rivals/libopenmp.la
benchmarks_rivals_libopenmp_la_SOURCES = benchmarks/rivals/openmp.c
benchmarks_rivals_libopenmp_la_CPPFLAGS = $(AM_CPPFLAGS) \
	-I$(top_srcdir)/benchmarks
benchmarks_rivals_libopenmp_la_CFLAGS = $(AM_CFLAGS) $(OPENMP_CFLAGS)
wardbench_CPPFLAGS += -DHAVE_OPENMP
wardbench_LDADD += benchmarks/rivals/libopenmp.la
wardbench_LDFLAGS = $(AM_LDFLAGS) $(OPENMP_CFLAGS)
endif

# ---- beside wardbench ----------------------------------------------------------

# What lambdas cost beside the calls in C, with WORKERS workers.
WORKERS = 1
.PHONY: bench-cxx
bench-cxx: benchmarks/cxx
	benchmarks/cxx $(WORKERS)
benchmarks/cxx: $(top_srcdir)/benchmarks/cxx.cc $(wardcxxinclude_HEADERS) libward.la
	@$(MKDIR_P) benchmarks
	$(AM_V_CXX)$(LIBTOOL) --silent --tag=CC --mode=link $(WARD_CXX) -std=c++17 -O2 \
		-Wall -Wextra -pthread -I$(top_srcdir)/include -o $@ \
		-x c++ $< -x none libward.la
EXTRA_DIST += benchmarks/cxx.cc # cleaned in examples/local.mk

EXTRA_DIST += benchmarks/figures.awk benchmarks/figures.sh \
	benchmarks/json.awk benchmarks/scale.awk benchmarks/scale.sh \
	benchmarks/guard/guard.sh benchmarks/guard/judge.awk \
	benchmarks/guard/middle.awk benchmarks/guard/pairs \
	benchmarks/guard/ratios.awk benchmarks/picture.awk benchmarks/results

# The first minute, as a page.
.PHONY: report
report: wardbench
	./wardbench --report report.html
CLEANFILES += report.html

# The picture at the head of README.md.
.PHONY: picture
picture: wardbench
	./wardbench losses --report losses.html
	$(AWK) -f $(top_srcdir)/benchmarks/picture.awk losses.html >losses.svg
	mv losses.svg $(top_srcdir)/docs/losses.svg
CLEANFILES += losses.html

# The figures of docs/benchmarks.md anew, and the document from them.
.PHONY: bench-docs
bench-docs: wardbench
	$(SHELL) $(top_srcdir)/benchmarks/figures.sh \
		$(top_srcdir)/benchmarks/results/figures.json $(BENCHES)
	$(AWK) -f $(top_srcdir)/benchmarks/json.awk \
		-f $(top_srcdir)/benchmarks/figures.awk \
		$(top_srcdir)/benchmarks/results/figures.json \
		$(top_srcdir)/docs/benchmarks.md.in >benchmarks.md
	mv benchmarks.md $(top_srcdir)/docs/benchmarks.md

# Has anything become slower than what is recorded of this machine?  Minutes.
GUARD = $(SHELL) $(top_srcdir)/benchmarks/guard/guard.sh
.PHONY: bench-check bench-record bench-scale
bench-check: wardbench
	$(GUARD) check
bench-record: wardbench
	$(GUARD) record

# Beside Go, Erlang/OTP, Rust and Java, where they are installed; some minutes.
EXTRA_DIST += benchmarks/rivals/erlang benchmarks/rivals/go \
	benchmarks/rivals/java benchmarks/rivals/rust \
	benchmarks/rivals/rivals.sh benchmarks/rivals/table.awk
.PHONY: bench-rivals
bench-rivals: wardbench
	$(SHELL) $(top_srcdir)/benchmarks/rivals/rivals.sh

# Curves by the number of cores, kept with the machine's name.
bench-scale: wardbench
	$(SHELL) $(top_srcdir)/benchmarks/scale.sh
