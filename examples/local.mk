# SPDX-License-Identifier: BSD-2-Clause
# Programs that use the library as its users do.  HAVE_EVENT, HAVE_UV, HAVE_PNG and
# HAVE_LUA are the conditionals of what needs libevent (EVENT_CFLAGS, EVENT_LIBS), libuv,
# libpng or Lua.

EXAMPLE_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include
# As their readers would write it: x = 1, also where x is atomic.
EXAMPLE_CFLAGS = $(AM_CFLAGS) -Wno-atomic-implicit-seq-cst

# One idea each; tests/story/examples.sh runs every one that has NAME.expect, but
# these, NAME:PACKAGE, for which something is missing.
EXAMPLES_LEFT_OUT =
noinst_PROGRAMS += examples/cancel_tree/cancel_tree
examples_cancel_tree_cancel_tree_SOURCES = examples/cancel_tree/cancel_tree.c
examples_cancel_tree_cancel_tree_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_cancel_tree_cancel_tree_CFLAGS = $(EXAMPLE_CFLAGS)
examples_cancel_tree_cancel_tree_LDADD = libward.la
EXTRA_DIST += examples/cancel_tree/cancel_tree.expect

if HAVE_PNG
noinst_PROGRAMS += examples/cell_image/cell_image
else
EXAMPLES_LEFT_OUT += cell_image:libpng-dev
endif
examples_cell_image_cell_image_SOURCES = \
	examples/cell_image/cell_image.c \
	examples/cell_image/decode.c \
	examples/cell_image/image.h \
	examples/cell_image/planted.c \
	examples/cell_image/sandbox.c
examples_cell_image_cell_image_CPPFLAGS = $(EXAMPLE_CPPFLAGS) $(PNG_CFLAGS)
examples_cell_image_cell_image_CFLAGS = $(EXAMPLE_CFLAGS)
examples_cell_image_cell_image_LDADD = libward.la $(PNG_LIBS)
EXTRA_DIST += examples/cell_image/cell_image.expect

if HAVE_LUA
noinst_PROGRAMS += examples/cell_lua/cell_lua
else
EXAMPLES_LEFT_OUT += cell_lua:liblua5.4-dev
endif
examples_cell_lua_cell_lua_SOURCES = examples/cell_lua/cell_lua.c
examples_cell_lua_cell_lua_CPPFLAGS = $(EXAMPLE_CPPFLAGS) $(LUA_CFLAGS)
examples_cell_lua_cell_lua_CFLAGS = $(EXAMPLE_CFLAGS)
examples_cell_lua_cell_lua_LDADD = libward.la $(LUA_LIBS)
EXTRA_DIST += examples/cell_lua/cell_lua.expect

# In C++, for which a compiler is asked, and set up for nothing else.
cxx_examples =
if COROUTINES
cxx_examples += examples/cxx/cxx
else
EXAMPLES_LEFT_OUT += cxx:g++
endif
all-local: $(cxx_examples)
clean-local: clean-cxx
.PHONY: clean-cxx
clean-cxx:
	-$(LIBTOOL) --silent --mode=clean rm -f $(cxx_examples) benchmarks/cxx
EXTRA_DIST += examples/cxx/cxx.cc examples/cxx/cxx.expect
$(cxx_examples): %: $(top_srcdir)/%.cc $(wardcxxinclude_HEADERS) libward.la
	@$(MKDIR_P) $(@D)
	$(AM_V_CXX)$(LIBTOOL) --silent --tag=CC --mode=link $(WARD_CXX) -std=c++20 -O2 \
		-Wall -Wextra $(WARD_SANITIZE) -pthread -I$(top_srcdir)/include -o $@ \
		-x c++ $< -x none libward.la

noinst_PROGRAMS += examples/degraded/degraded
examples_degraded_degraded_SOURCES = examples/degraded/degraded.c
examples_degraded_degraded_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_degraded_degraded_CFLAGS = $(EXAMPLE_CFLAGS)
examples_degraded_degraded_LDADD = libward.la
EXTRA_DIST += examples/degraded/degraded.expect

noinst_PROGRAMS += examples/or_done/or_done
examples_or_done_or_done_SOURCES = examples/or_done/or_done.c
examples_or_done_or_done_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_or_done_or_done_CFLAGS = $(EXAMPLE_CFLAGS)
examples_or_done_or_done_LDADD = libward.la
EXTRA_DIST += examples/or_done/or_done.expect

noinst_PROGRAMS += examples/error_report/error_report
examples_error_report_error_report_SOURCES = examples/error_report/error_report.c
examples_error_report_error_report_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_error_report_error_report_LDADD = libward.la
EXTRA_DIST += examples/error_report/error_report.expect

noinst_PROGRAMS += examples/fib/fib
examples_fib_fib_SOURCES = examples/fib/fib.c
examples_fib_fib_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_fib_fib_LDADD = libward.la
EXTRA_DIST += examples/fib/fib.expect

noinst_PROGRAMS += examples/keepalive_pool/keepalive_pool
examples_keepalive_pool_keepalive_pool_SOURCES = examples/keepalive_pool/keepalive_pool.c
examples_keepalive_pool_keepalive_pool_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_keepalive_pool_keepalive_pool_CFLAGS = $(EXAMPLE_CFLAGS)
examples_keepalive_pool_keepalive_pool_LDADD = libward.la
EXTRA_DIST += examples/keepalive_pool/keepalive_pool.expect

noinst_PROGRAMS += examples/keepalive_process/keepalive_process
examples_keepalive_process_keepalive_process_SOURCES = examples/keepalive_process/keepalive_process.c
examples_keepalive_process_keepalive_process_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_keepalive_process_keepalive_process_CFLAGS = $(EXAMPLE_CFLAGS)
examples_keepalive_process_keepalive_process_LDADD = libward.la
EXTRA_DIST += examples/keepalive_process/keepalive_process.expect

noinst_PROGRAMS += examples/pulse/pulse
examples_pulse_pulse_SOURCES = examples/pulse/pulse.c
examples_pulse_pulse_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_pulse_pulse_CFLAGS = $(EXAMPLE_CFLAGS)
examples_pulse_pulse_LDADD = libward.la
EXTRA_DIST += examples/pulse/pulse.expect

noinst_PROGRAMS += examples/rate_limit/rate_limit
examples_rate_limit_rate_limit_SOURCES = examples/rate_limit/rate_limit.c
examples_rate_limit_rate_limit_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_rate_limit_rate_limit_LDADD = libward.la
EXTRA_DIST += examples/rate_limit/rate_limit.expect

noinst_PROGRAMS += examples/stateful_ward/stateful_ward
examples_stateful_ward_stateful_ward_SOURCES = examples/stateful_ward/stateful_ward.c
examples_stateful_ward_stateful_ward_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_stateful_ward_stateful_ward_LDADD = libward.la
EXTRA_DIST += examples/stateful_ward/stateful_ward.expect

noinst_PROGRAMS += examples/steward/steward
examples_steward_steward_SOURCES = examples/steward/steward.c
examples_steward_steward_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_steward_steward_CFLAGS = $(EXAMPLE_CFLAGS)
examples_steward_steward_LDADD = libward.la
EXTRA_DIST += examples/steward/steward.expect

noinst_PROGRAMS += examples/steward_tree/steward_tree
examples_steward_tree_steward_tree_SOURCES = examples/steward_tree/steward_tree.c
examples_steward_tree_steward_tree_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_steward_tree_steward_tree_CFLAGS = $(EXAMPLE_CFLAGS)
examples_steward_tree_steward_tree_LDADD = libward.la
EXTRA_DIST += examples/steward_tree/steward_tree.expect

noinst_PROGRAMS += examples/workerpool/workerpool
examples_workerpool_workerpool_SOURCES = examples/workerpool/workerpool.c
examples_workerpool_workerpool_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_workerpool_workerpool_CFLAGS = $(EXAMPLE_CFLAGS)
examples_workerpool_workerpool_LDADD = libward.la
EXTRA_DIST += examples/workerpool/workerpool.expect

noinst_PROGRAMS += examples/fanout/fanout
examples_fanout_fanout_SOURCES = \
	examples/fanout/fanout.c \
	examples/fanout/fanout.h \
	examples/fanout/main.c
examples_fanout_fanout_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_fanout_fanout_CFLAGS = $(EXAMPLE_CFLAGS)
examples_fanout_fanout_LDADD = libward.la
EXTRA_DIST += examples/fanout/fanout.expect

noinst_PROGRAMS += examples/ordered_by_key/ordered_by_key
examples_ordered_by_key_ordered_by_key_SOURCES = examples/ordered_by_key/ordered_by_key.c
examples_ordered_by_key_ordered_by_key_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_ordered_by_key_ordered_by_key_CFLAGS = $(EXAMPLE_CFLAGS)
examples_ordered_by_key_ordered_by_key_LDADD = libward.la
EXTRA_DIST += examples/ordered_by_key/ordered_by_key.expect

noinst_PROGRAMS += examples/pipeline/pipeline
examples_pipeline_pipeline_SOURCES = examples/pipeline/pipeline.c
examples_pipeline_pipeline_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_pipeline_pipeline_CFLAGS = $(EXAMPLE_CFLAGS)
examples_pipeline_pipeline_LDADD = libward.la
EXTRA_DIST += examples/pipeline/pipeline.expect

noinst_PROGRAMS += examples/loop_epoll/loop_epoll
examples_loop_epoll_loop_epoll_SOURCES = examples/loop_epoll/loop_epoll.c
examples_loop_epoll_loop_epoll_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_loop_epoll_loop_epoll_CFLAGS = $(EXAMPLE_CFLAGS)
examples_loop_epoll_loop_epoll_LDADD = libward.la
EXTRA_DIST += examples/loop_epoll/loop_epoll.expect

if HAVE_EVENT
noinst_PROGRAMS += examples/loop_libevent/loop_libevent
else
EXAMPLES_LEFT_OUT += loop_libevent:libevent-dev
endif
examples_loop_libevent_loop_libevent_SOURCES = examples/loop_libevent/loop_libevent.c
examples_loop_libevent_loop_libevent_CPPFLAGS = $(EXAMPLE_CPPFLAGS) $(EVENT_CFLAGS)
examples_loop_libevent_loop_libevent_CFLAGS = $(EXAMPLE_CFLAGS)
examples_loop_libevent_loop_libevent_LDADD = libward.la $(EVENT_LIBS)
EXTRA_DIST += examples/loop_libevent/loop_libevent.expect

if HAVE_UV
noinst_PROGRAMS += examples/loop_libuv/loop_libuv
else
EXAMPLES_LEFT_OUT += loop_libuv:libuv1-dev
endif
examples_loop_libuv_loop_libuv_SOURCES = examples/loop_libuv/loop_libuv.c
examples_loop_libuv_loop_libuv_CPPFLAGS = $(EXAMPLE_CPPFLAGS) $(UV_CFLAGS)
examples_loop_libuv_loop_libuv_CFLAGS = $(EXAMPLE_CFLAGS)
examples_loop_libuv_loop_libuv_LDADD = libward.la $(UV_LIBS)
EXTRA_DIST += examples/loop_libuv/loop_libuv.expect

# Its story is tests/story/fleet_files.sh: it needs servers.
if HAVE_NATS
noinst_PROGRAMS += examples/fleet/fleet
endif
examples_fleet_fleet_SOURCES = \
	examples/fleet/fleet.h \
	examples/fleet/key.c \
	examples/fleet/main.c \
	examples/fleet/queue.c \
	examples/fleet/serve.c \
	examples/fleet/sha256.c
examples_fleet_fleet_CPPFLAGS = $(EXAMPLE_CPPFLAGS) $(NATS_CFLAGS)
examples_fleet_fleet_CFLAGS = $(EXAMPLE_CFLAGS)
examples_fleet_fleet_LDADD = libward-nats.la libward.la $(NATS_LIBS)

# For those who watch a pool: docs/watching.md.
dist_pkgdata_DATA += \
	examples/grafana/ward.json \
	examples/trace/hangs.bt \
	examples/trace/heals.bt \
	examples/trace/run_times.bt

httpd_sources = \
	examples/httpd/answer.c \
	examples/httpd/answer.h \
	examples/httpd/cells.c \
	examples/httpd/cells.h \
	examples/httpd/faults.c \
	examples/httpd/faults.h \
	examples/httpd/figures.c \
	examples/httpd/figures.h \
	examples/httpd/files.c \
	examples/httpd/files.h \
	examples/httpd/finished.c \
	examples/httpd/finished.h \
	examples/httpd/main.c \
	examples/httpd/options.c \
	examples/httpd/options.h \
	examples/httpd/pool.c \
	examples/httpd/pool.h \
	examples/httpd/range.c \
	examples/httpd/range.h \
	examples/httpd/request.c \
	examples/httpd/request.h \
	examples/httpd/routes.c \
	examples/httpd/routes.h \
	examples/httpd/server.c \
	examples/httpd/server.h \
	examples/httpd/types.c \
	examples/httpd/types.h \
	examples/httpd/work.c \
	examples/httpd/work.h

if HAVE_EVENT
noinst_PROGRAMS += examples/httpd/httpd
endif
examples_httpd_httpd_SOURCES = $(httpd_sources)
examples_httpd_httpd_CPPFLAGS = -D_GNU_SOURCE -I$(top_srcdir)/include \
	$(EVENT_CFLAGS)
examples_httpd_httpd_LDADD = libward.la $(EVENT_LIBS)

EXTRA_DIST += examples/Makefile examples/httpd/README.md examples/httpd/httpd.service

noinst_PROGRAMS += examples/replicated/replicated
examples_replicated_replicated_SOURCES = examples/replicated/replicated.c
examples_replicated_replicated_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_replicated_replicated_CFLAGS = $(EXAMPLE_CFLAGS)
examples_replicated_replicated_LDADD = libward.la
EXTRA_DIST += examples/replicated/replicated.expect

# The programs of docs/tutorial.md.
noinst_PROGRAMS += examples/tutorial/step1
examples_tutorial_step1_SOURCES = examples/tutorial/step1.c
examples_tutorial_step1_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step1_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step1_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step1.expect
noinst_PROGRAMS += examples/tutorial/step2
examples_tutorial_step2_SOURCES = examples/tutorial/step2.c
examples_tutorial_step2_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step2_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step2_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step2.expect
noinst_PROGRAMS += examples/tutorial/step3
examples_tutorial_step3_SOURCES = examples/tutorial/step3.c
examples_tutorial_step3_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step3_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step3_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step3.expect
noinst_PROGRAMS += examples/tutorial/step4
examples_tutorial_step4_SOURCES = examples/tutorial/step4.c
examples_tutorial_step4_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step4_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step4_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step4.expect
noinst_PROGRAMS += examples/tutorial/step5
examples_tutorial_step5_SOURCES = examples/tutorial/step5.c
examples_tutorial_step5_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step5_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step5_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step5.expect
noinst_PROGRAMS += examples/tutorial/step6
examples_tutorial_step6_SOURCES = examples/tutorial/step6.c
examples_tutorial_step6_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step6_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step6_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step6.expect
noinst_PROGRAMS += examples/tutorial/step7
examples_tutorial_step7_SOURCES = examples/tutorial/step7.c
examples_tutorial_step7_CPPFLAGS = $(EXAMPLE_CPPFLAGS)
examples_tutorial_step7_CFLAGS = $(EXAMPLE_CFLAGS)
examples_tutorial_step7_LDADD = libward.la
EXTRA_DIST += examples/tutorial/step7.expect
