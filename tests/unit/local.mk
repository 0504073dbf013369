# SPDX-License-Identifier: BSD-2-Clause
# Unit tests: Criterion, one program for each file of lib/, tests/unit/test_x.c
# for x.c.  Tests that own the time put another host in front of the library's.

unit_tests =
unit_scripts = tests/unit/guard.sh tests/unit/rivals.sh
UNIT_LIBS = libward-core.la $(CRITERION_LIBS)

if HAVE_CRITERION
unit_tests += \
	tests/unit/test_audit \
	tests/unit/test_bad_input \
	tests/unit/test_bad_ward \
	tests/unit/test_bell \
	tests/unit/test_book \
	tests/unit/test_bridge \
	tests/unit/test_bucket \
	tests/unit/test_cancel \
	tests/unit/test_checkpoint \
	tests/unit/test_deque \
	tests/unit/test_fork \
	tests/unit/test_clerk \
	tests/unit/test_crew \
	tests/unit/test_excuse \
	tests/unit/test_fail \
	tests/unit/test_fault \
	tests/unit/test_format \
	tests/unit/test_frame \
	tests/unit/test_group \
	tests/unit/test_due \
	tests/unit/test_hedge \
	tests/unit/test_histogram \
	tests/unit/test_host \
	tests/unit/test_host_about \
	tests/unit/test_host_cpus \
	tests/unit/test_host_fault \
	tests/unit/test_host_fence \
	tests/unit/test_host_init \
	tests/unit/test_host_life \
	tests/unit/test_host_look \
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
	tests/unit/test_lane \
	tests/unit/test_lane_ends \
	tests/unit/test_lane_under \
	tests/unit/test_later \
	tests/unit/test_kept \
	tests/unit/test_ledger \
	tests/unit/test_limit \
	tests/unit/test_host_lock \
	tests/unit/test_lost \
	tests/unit/test_near \
	tests/unit/test_plan \
	tests/unit/test_pool \
	tests/unit/test_port \
	tests/unit/test_prefault \
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
	tests/unit/test_submit \
	tests/unit/test_text \
	tests/unit/test_unblock \
	tests/unit/test_waits \
	tests/unit/test_watch \
	tests/unit/test_worker

tests_unit_test_audit_SOURCES = tests/unit/test_audit.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_audit_LDADD = $(UNIT_LIBS)

tests_unit_test_bad_input_SOURCES = tests/unit/test_bad_input.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_bad_input_LDADD = $(UNIT_LIBS)

tests_unit_test_bad_ward_SOURCES = tests/unit/test_bad_ward.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_bad_ward_LDADD = $(UNIT_LIBS)

tests_unit_test_intensity_SOURCES = tests/unit/test_intensity.c
tests_unit_test_intensity_LDADD = $(UNIT_LIBS) -lm

tests_unit_test_host_lock_SOURCES = tests/unit/test_host_lock.c \
	tests/unit/wait.h
tests_unit_test_host_lock_LDADD = $(UNIT_LIBS)

tests_unit_test_prefault_SOURCES = tests/unit/test_prefault.c \
	tests/unit/filter.h \
	tests/unit/job.h \
	tests/unit/page.h \
	tests/unit/wait.h
tests_unit_test_prefault_LDADD = $(UNIT_LIBS)

tests_unit_test_recall_SOURCES = tests/unit/test_recall.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_recall_LDADD = $(UNIT_LIBS)

tests_unit_test_lane_SOURCES = tests/unit/test_lane.c \
	tests/unit/job.h tests/unit/lane_job.h \
	tests/unit/wait.h
tests_unit_test_lane_LDADD = $(UNIT_LIBS)
tests_unit_test_lane_ends_SOURCES = tests/unit/test_lane_ends.c \
	tests/unit/job.h tests/unit/lane_job.h tests/unit/wait.h
tests_unit_test_lane_ends_LDADD = $(UNIT_LIBS)
tests_unit_test_lane_under_SOURCES = tests/unit/test_lane_under.c \
	tests/unit/job.h tests/unit/lane_job.h tests/unit/wait.h
tests_unit_test_lane_under_LDADD = $(UNIT_LIBS)

tests_unit_test_hedge_SOURCES = tests/unit/test_hedge.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_hedge_LDADD = $(UNIT_LIBS)

tests_unit_test_bell_SOURCES = tests/unit/test_bell.c \
	tests/unit/wait.h
tests_unit_test_bell_LDADD = $(UNIT_LIBS)

tests_unit_test_book_SOURCES = tests/unit/test_book.c
tests_unit_test_book_LDADD = $(UNIT_LIBS)

tests_unit_test_bridge_SOURCES = tests/unit/test_bridge.c \
	tests/unit/filter.h \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_bridge_LDADD = $(UNIT_LIBS)

tests_unit_test_bucket_SOURCES = tests/unit/test_bucket.c \
	tests/unit/wait.h
tests_unit_test_bucket_LDADD = $(UNIT_LIBS) -lm

tests_unit_test_cancel_SOURCES = tests/unit/test_cancel.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_cancel_LDADD = $(UNIT_LIBS)

tests_unit_test_checkpoint_SOURCES = tests/unit/test_checkpoint.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_checkpoint_LDADD = $(UNIT_LIBS)

tests_unit_test_deque_SOURCES = tests/unit/test_deque.c \
	tests/unit/wait.h
tests_unit_test_deque_LDADD = $(UNIT_LIBS)

tests_unit_test_fork_SOURCES = tests/unit/test_fork.c tests/unit/lane_job.h \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_fork_LDADD = $(UNIT_LIBS)

tests_unit_test_clerk_SOURCES = tests/unit/test_clerk.c \
	tests/unit/fake_host.h
tests_unit_test_clerk_LDADD = $(UNIT_LIBS)

tests_unit_test_crew_SOURCES = tests/unit/test_crew.c
tests_unit_test_crew_LDADD = $(UNIT_LIBS)

tests_unit_test_excuse_SOURCES = tests/unit/test_excuse.c
tests_unit_test_excuse_LDADD = $(UNIT_LIBS)
tests_unit_test_excuse_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=host_syscall,--wrap=host_look,--wrap=host_raise \
	-Wl,--wrap=host_is_futex,--wrap=host_futex_holder \
	-Wl,--wrap=host_is_younger

tests_unit_test_fail_SOURCES = tests/unit/test_fail.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_fail_LDADD = $(UNIT_LIBS)

tests_unit_test_fault_SOURCES = tests/unit/test_fault.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_fault_LDADD = $(UNIT_LIBS)

tests_unit_test_format_SOURCES = tests/unit/test_format.c \
	tests/unit/json.h
tests_unit_test_format_LDADD = $(UNIT_LIBS)

tests_unit_test_due_SOURCES = tests/unit/test_due.c
tests_unit_test_due_LDADD = $(UNIT_LIBS)

tests_unit_test_frame_SOURCES = tests/unit/test_frame.c
tests_unit_test_frame_CFLAGS = $(AM_CFLAGS) -g # it looks for its own lines
tests_unit_test_frame_LDADD = $(UNIT_LIBS)

tests_unit_test_group_SOURCES = tests/unit/test_group.c
tests_unit_test_group_LDADD = $(UNIT_LIBS)

tests_unit_test_histogram_SOURCES = tests/unit/test_histogram.c
tests_unit_test_histogram_LDADD = $(UNIT_LIBS)

tests_unit_test_host_SOURCES = tests/unit/test_host.c \
	tests/unit/wait.h
tests_unit_test_host_LDADD = $(UNIT_LIBS)

tests_unit_test_host_about_SOURCES = tests/unit/test_host_about.c \
	tests/unit/wait.h
tests_unit_test_host_about_LDADD = $(UNIT_LIBS)

tests_unit_test_host_cpus_SOURCES = tests/unit/test_host_cpus.c
tests_unit_test_host_cpus_LDADD = $(UNIT_LIBS)

tests_unit_test_host_fault_SOURCES = tests/unit/test_host_fault.c \
	tests/unit/wait.h
tests_unit_test_host_fault_LDADD = $(UNIT_LIBS)

tests_unit_test_host_fence_SOURCES = tests/unit/test_host_fence.c \
	tests/unit/filter.h \
	tests/unit/wait.h
tests_unit_test_host_fence_LDADD = $(UNIT_LIBS)

tests_unit_test_host_init_SOURCES = tests/unit/test_host_init.c \
	tests/unit/wait.h
tests_unit_test_host_init_LDADD = $(UNIT_LIBS)

tests_unit_test_host_life_SOURCES = tests/unit/test_host_life.c \
	tests/unit/filter.h \
	tests/unit/wait.h
tests_unit_test_host_life_LDADD = $(UNIT_LIBS)

tests_unit_test_host_near_SOURCES = tests/unit/test_host_near.c
tests_unit_test_host_near_LDADD = $(UNIT_LIBS)

tests_unit_test_host_near_sys_SOURCES = tests/unit/test_host_near_sys.c
tests_unit_test_host_near_sys_LDADD = $(UNIT_LIBS)

tests_unit_test_near_SOURCES = tests/unit/test_near.c
tests_unit_test_near_LDADD = $(UNIT_LIBS)

tests_unit_test_host_look_SOURCES = tests/unit/test_host_look.c \
	tests/unit/filter.h \
	tests/unit/wait.h
tests_unit_test_host_look_LDADD = $(UNIT_LIBS)

tests_unit_test_host_memory_SOURCES = tests/unit/test_host_memory.c \
	tests/unit/filter.h \
	tests/unit/page.h \
	tests/unit/wait.h
tests_unit_test_host_memory_LDADD = $(UNIT_LIBS)

tests_unit_test_host_sched_SOURCES = tests/unit/test_host_sched.c \
	tests/unit/wait.h
tests_unit_test_host_sched_LDADD = $(UNIT_LIBS)

tests_unit_test_host_thread_SOURCES = tests/unit/test_host_thread.c \
	tests/unit/wait.h
tests_unit_test_host_thread_LDADD = $(UNIT_LIBS)

tests_unit_test_host_trace_SOURCES = tests/unit/test_host_trace.c \
	tests/unit/wait.h
tests_unit_test_host_trace_LDADD = $(UNIT_LIBS)

tests_unit_test_inbox_SOURCES = tests/unit/test_inbox.c \
	tests/unit/wait.h
tests_unit_test_inbox_LDADD = $(UNIT_LIBS)

tests_unit_test_incident_SOURCES = tests/unit/test_incident.c \
	tests/unit/wait.h
tests_unit_test_incident_LDADD = $(UNIT_LIBS)

tests_unit_test_judge_SOURCES = tests/unit/test_judge.c
tests_unit_test_judge_LDADD = $(UNIT_LIBS)

tests_unit_test_later_SOURCES = tests/unit/test_later.c \
	tests/unit/fake_host.h
tests_unit_test_later_LDADD = $(UNIT_LIBS)

tests_unit_test_kept_SOURCES = tests/unit/test_kept.c \
	tests/unit/wait.h
tests_unit_test_kept_LDADD = $(UNIT_LIBS)

tests_unit_test_ledger_SOURCES = tests/unit/test_ledger.c
tests_unit_test_ledger_LDADD = $(UNIT_LIBS)

tests_unit_test_limit_SOURCES = tests/unit/test_limit.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_limit_LDADD = $(UNIT_LIBS)

tests_unit_test_lost_SOURCES = tests/unit/test_lost.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_lost_LDADD = $(UNIT_LIBS)

tests_unit_test_plan_SOURCES = tests/unit/test_plan.c
tests_unit_test_plan_LDADD = $(UNIT_LIBS)

tests_unit_test_pool_SOURCES = tests/unit/test_pool.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_pool_LDADD = $(UNIT_LIBS)

tests_unit_test_port_SOURCES = tests/unit/test_port.c tests/unit/lane_job.h
tests_unit_test_port_LDADD = $(UNIT_LIBS)

tests_unit_test_recent_SOURCES = tests/unit/test_recent.c \
	tests/unit/json.h
tests_unit_test_recent_LDADD = $(UNIT_LIBS)

tests_unit_test_resize_SOURCES = tests/unit/test_resize.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_resize_LDADD = $(UNIT_LIBS)

tests_unit_test_ring_SOURCES = tests/unit/test_ring.c \
	tests/unit/wait.h
tests_unit_test_ring_LDADD = $(UNIT_LIBS)

tests_unit_test_scribe_SOURCES = tests/unit/test_scribe.c \
	tests/unit/wait.h
tests_unit_test_scribe_LDADD = $(UNIT_LIBS)

tests_unit_test_seat_SOURCES = tests/unit/test_seat.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_seat_LDADD = $(UNIT_LIBS)

tests_unit_test_self_SOURCES = tests/unit/test_self.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_self_LDADD = $(UNIT_LIBS)

tests_unit_test_slot_SOURCES = tests/unit/test_slot.c \
	tests/unit/wait.h
tests_unit_test_slot_LDADD = $(UNIT_LIBS)

tests_unit_test_stack_SOURCES = tests/unit/test_stack.c \
	tests/unit/wait.h
tests_unit_test_stack_LDADD = $(UNIT_LIBS)

tests_unit_test_stats_SOURCES = tests/unit/test_stats.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_stats_LDADD = $(UNIT_LIBS)

tests_unit_test_steward_SOURCES = tests/unit/test_steward.c \
	tests/unit/fake_host.h
tests_unit_test_steward_LDADD = $(UNIT_LIBS)

tests_unit_test_submit_SOURCES = tests/unit/test_submit.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_submit_LDADD = $(UNIT_LIBS)

tests_unit_test_text_SOURCES = tests/unit/test_text.c \
	tests/unit/json.h
tests_unit_test_text_LDADD = $(UNIT_LIBS)

tests_unit_test_unblock_SOURCES = tests/unit/test_unblock.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_unblock_LDADD = $(UNIT_LIBS)

tests_unit_test_waits_SOURCES = tests/unit/test_waits.c \
	tests/unit/job.h tests/unit/lane_job.h tests/unit/wait.h
tests_unit_test_waits_LDADD = $(UNIT_LIBS)

tests_unit_test_watch_SOURCES = tests/unit/test_watch.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_watch_LDADD = $(UNIT_LIBS)

tests_unit_test_worker_SOURCES = tests/unit/test_worker.c \
	tests/unit/job.h \
	tests/unit/wait.h
tests_unit_test_worker_LDADD = $(UNIT_LIBS)
endif

asan_tests += $(unit_tests)
