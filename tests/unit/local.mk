# SPDX-License-Identifier: BSD-2-Clause
# Unit tests: Criterion, one program for each file of lib/, tests/unit/test_x.c
# for x.c.  Tests that own the time put another host in front of the library's.
# A new one is a line of the list; what it asks for beyond the others, one below.

unit_tests =
unit_scripts = tests/unit/count.sh tests/unit/cxx.sh tests/unit/figures.sh tests/unit/guard.sh tests/unit/report.sh \
	tests/unit/rivals.sh tests/unit/wardbench.sh

if HAVE_CRITERION
unit_tests += \
	tests/unit/test_audit \
	tests/unit/test_bad_input \
	tests/unit/test_bad_ward \
	tests/unit/test_bell \
	tests/unit/test_task_priv \
	tests/unit/test_bridge \
	tests/unit/test_bucket \
	tests/unit/test_cancel \
	tests/unit/test_cell_page \
	tests/unit/test_cells \
	tests/unit/test_cells_call \
	tests/unit/test_cells_woken \
	tests/unit/test_cells_pairs \
	tests/unit/test_cells_path \
	tests/unit/test_check \
	tests/unit/test_checkpoint \
	tests/unit/test_clerk \
	tests/unit/test_seat_count \
	tests/unit/test_deque \
	tests/unit/test_due \
	tests/unit/test_excuse \
	tests/unit/test_fail \
	tests/unit/test_fault \
	tests/unit/test_fleet \
	tests/unit/test_fork \
	tests/unit/test_format \
	tests/unit/test_frame \
	tests/unit/test_dedup \
	tests/unit/test_handle \
	tests/unit/test_hedge \
	tests/unit/test_histogram \
	tests/unit/test_host \
	tests/unit/test_host_about \
	tests/unit/test_host_cpus \
	tests/unit/test_host_fault \
	tests/unit/test_host_barrier \
	tests/unit/test_host_init \
	tests/unit/test_host_life \
	tests/unit/test_host_lock \
	tests/unit/test_host_sample \
	tests/unit/test_host_memory \
	tests/unit/test_host_near \
	tests/unit/test_host_near_sys \
	tests/unit/test_host_sched \
	tests/unit/test_host_thread \
	tests/unit/test_host_trace \
	tests/unit/test_inbox \
	tests/unit/test_incident \
	tests/unit/test_intensity \
	tests/unit/test_judge \
	tests/unit/test_saved \
	tests/unit/test_lane \
	tests/unit/test_lane_ends \
	tests/unit/test_lane_limits \
	tests/unit/test_lane_under \
	tests/unit/test_later \
	tests/unit/test_ledger \
	tests/unit/test_limit \
	tests/unit/test_loop \
	tests/unit/test_lost \
	tests/unit/test_metrics \
	tests/unit/test_misuse \
	tests/unit/test_near \
	tests/unit/test_notify \
	tests/unit/test_owned_ring \
	tests/unit/test_page \
	tests/unit/test_plan \
	tests/unit/test_pool \
	tests/unit/test_port \
	tests/unit/test_prefault \
	tests/unit/test_publish \
	tests/unit/test_recall \
	tests/unit/test_recent \
	tests/unit/test_resize \
	tests/unit/test_ring \
	tests/unit/test_scribe \
	tests/unit/test_seat \
	tests/unit/test_self \
	tests/unit/test_slot \
	tests/unit/test_stack \
	tests/unit/test_stats \
	tests/unit/test_steward \
	tests/unit/test_stop \
	tests/unit/test_submit \
	tests/unit/test_summary \
	tests/unit/test_text \
	tests/unit/test_unblock \
	tests/unit/test_view \
	tests/unit/test_waits \
	tests/unit/test_watch \
	tests/unit/test_worker
endif
asan_tests += $(unit_tests)
sanitizer_scripts += tests/unit/cxx.sh

# Criterion's assertions are much code, and take a third of the compiler's time without
# optimization.  But what a header has inline is tested as the library has it, a function
# that faults is to be short, and a test that computes much is worth it.
tests/unit/%.$(OBJEXT): CFLAGS += -O0 -g1 $(unit_criterion)
optimized = host_fault judge
if !ASAN
optimized += bell bucket deque handle histogram host_lock inbox ring seat_count slot \
	stack task_priv
endif
$(optimized:%=tests/unit/test_%.$(OBJEXT)): CFLAGS += -O2

# Under ThreadSanitizer a header stands in for Criterion.
if TSAN
unit_criterion = -I$(top_srcdir)/tests/tsan
unit_libs =
else
unit_criterion =
unit_libs = $(CRITERION_LIBS)
endif
tsan_tests += tests/unit/test_cells_pairs tests/unit/test_cells_path

check_LTLIBRARIES += tests/unit/libno_certs.la
tests_unit_libno_certs_la_SOURCES = tests/unit/no_certs.c
unit_part_libs = -Wl,-u,mbedtls_x509_crt_parse_file tests/unit/libno_certs.la $(unit_libs)
tests/unit/test_%: PART_LIBS = $(unit_part_libs)
$(unit_tests): tests/unit/libno_certs.la
tests_unit_test_cell_page_SOURCES = tests/unit/test_cell_page.c tools/find.c tools/model.c
tests_unit_test_bucket_LDADD = $(LDADD) -lm
tests_unit_test_cells_woken_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_wait_shared_any
tests_unit_test_excuse_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=host_syscall,--wrap=host_sample,--wrap=host_raise \
	-Wl,--wrap=host_is_futex,--wrap=host_futex_holder \
	-Wl,--wrap=host_is_younger
tests_unit_test_frame_CFLAGS = $(AM_CFLAGS) -g # it looks for its own lines
tests_unit_test_intensity_LDADD = $(LDADD) -lm
tests_unit_test_metrics_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ward_pool_stats
tests_unit_test_page_SOURCES = tests/unit/test_page.c \
	benchmarks/chart.c benchmarks/measure.c benchmarks/page.c \
	benchmarks/page_cells.c benchmarks/page_heal.c benchmarks/page_speed.c benchmarks/piece.c \
	benchmarks/svg.c
tests_unit_test_page_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_page_LDADD = $(LDADD) -lm
tests_unit_test_publish_SOURCES = tests/unit/test_publish.c tools/find.c tools/model.c
tests_unit_test_summary_SOURCES = tests/unit/test_summary.c \
	benchmarks/measure.c benchmarks/summary.c
tests_unit_test_summary_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_test_summary_LDADD = $(LDADD) -lm

# What its cells run.
check_PROGRAMS += tests/unit/cell_program
tests_unit_cell_program_LDADD = libward-core.la
cell_tests = tests/unit/test_cells tests/unit/test_cells_call tests/unit/test_cells_woken \
	tests/unit/test_cells_pairs tests/unit/test_cells_path
$(cell_tests): tests/unit/cell_program

# They start a server of their own.
nats_tests = tests/unit/test_nats tests/unit/test_nats_bad tests/unit/test_nats_ends \
	tests/unit/test_nats_lost
EXTRA_DIST += $(nats_tests:=.c)
if HAVE_NATS
unit_tests += $(nats_tests)
endif
nats_test_libs = libward-nats-core.la tests/nats/libcluster.la $(LDADD)
$(nats_tests): libward-nats-core.la tests/nats/libcluster.la
tests_unit_test_nats_LDADD = $(nats_test_libs)
tests_unit_test_nats_bad_LDADD = $(nats_test_libs)
tests_unit_test_nats_ends_LDADD = $(nats_test_libs)
tests_unit_test_nats_lost_LDADD = $(nats_test_libs)
nats_lost_wrap = -Wl,--wrap=natsConnection_Publish -Wl,--wrap=natsConnection_PublishMsg \
	-Wl,--wrap=natsConnection_Subscribe
tests_unit_test_nats_lost_LDFLAGS = $(AM_LDFLAGS) $(nats_lost_wrap)

tests_unit_test_fleet_SOURCES = tests/unit/test_fleet.c tools/fleet.c tools/json_read.c \
	tools/model.c tools/view.c
tests_unit_test_view_SOURCES = tests/unit/test_view.c tools/json.c tools/model.c \
	tools/view.c

EXTRA_DIST += \
	tests/unit/cell_ask.h \
	tests/unit/cell_serve.h \
	tests/unit/cxx/all.cc \
	tests/unit/cxx/asio.cc \
	tests/unit/cxx/check.h \
	tests/unit/cxx/coroutines.h \
	tests/unit/cxx/futures.h \
	tests/unit/cxx/memory.h \
	tests/unit/cxx/owners.h \
	tests/unit/fake_host.h \
	tests/unit/filter.h \
	tests/unit/job.h \
	tests/unit/json.h \
	tests/unit/lane_job.h \
	tests/unit/nats_queue.h \
	tests/unit/openmetrics.h \
	tests/unit/page.h \
	tests/unit/ring_items.h \
	tests/unit/said.h \
	tests/unit/wait.h \
	tests/tsan/criterion/criterion.h
