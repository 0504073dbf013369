# SPDX-License-Identifier: BSD-2-Clause
# The library's own sources under a deterministic scheduler: README.md.

sim_tests = tests/sim/sim
sim_scripts = tests/sim/bugs.sh

# What ships, compiled unchanged against the headers in include/, and the
# scenarios.  -fsanitize=thread makes the compiler report each plain access; its
# runtime is not linked, race.c answers.  (It stands with the preprocessor's
# flags because those are not handed to the linker.)
tests_sim_sim_SOURCES = \
	lib/flow/bridge.c \
	lib/flow/hedge.c \
	lib/flow/saved.c \
	lib/work/limit.c \
	lib/work/limit_set.c \
	lib/front/audit.c \
	lib/front/create.c \
	lib/front/pool.c \
	lib/front/prefault.c \
	lib/front/resize.c \
	lib/front/stats.c \
	lib/heal/helpers.c \
	lib/heal/clerk.c \
	lib/heal/deputy.c \
	lib/heal/excuse.c \
	lib/heal/handoff.c \
	lib/heal/heal.c \
	lib/heal/idle.c \
	lib/heal/judge.c \
	lib/heal/ledger.c \
	lib/heal/plan.c \
	lib/heal/rescue.c \
	lib/heal/sample.c \
	lib/heal/steward.c \
	lib/heal/verdict.c \
	lib/heal/zombie.c \
	lib/sync/bell.c \
	lib/sync/due.c \
	lib/tell/format.c \
	lib/tell/frame.c \
	lib/tell/dedup.c \
	lib/tell/incident.c \
	lib/tell/recent.c \
	lib/tell/scribe.c \
	lib/tell/text.c \
	lib/work/cancel.c \
	lib/work/seat_count.c \
	lib/work/death.c \
	lib/work/fail.c \
	lib/work/fault.c \
	lib/work/fork.c \
	lib/work/inbox.c \
	lib/work/lane.c \
	lib/work/lane_list.c \
	lib/work/lanes.c \
	lib/work/later.c \
	lib/work/lost.c \
	lib/work/prio_queue.c \
	lib/work/near.c \
	lib/work/pay.c \
	lib/work/pool.c \
	lib/work/port.c \
	lib/work/port_run.c \
	lib/work/recall.c \
	lib/work/priority.c \
	lib/work/seat.c \
	lib/work/self.c \
	lib/work/slot.c \
	lib/work/spare.c \
	lib/work/stop.c \
	lib/work/submit.c \
	lib/work/sweep.c \
	lib/work/steal.c \
	lib/work/token.c \
	lib/work/unblock.c \
	lib/work/wait.c \
	lib/work/watch.c \
	lib/work/thread.c \
	lib/work/worker.c \
	tests/sim/include/base/host_home.h \
	tests/sim/include/base/host_lock.h \
	tests/sim/include/ck_pr.h \
	tests/sim/include/stdatomic.h \
	tests/sim/litmus.c \
	tests/sim/names.h \
	tests/sim/parked.h \
	tests/sim/sc_bell.c \
	tests/sim/sc_task_priv.c \
	tests/sim/sc_bridge.c \
	tests/sim/sc_cancel.c \
	tests/sim/sc_seat_count.c \
	tests/sim/sc_deque.c \
	tests/sim/sc_due.c \
	tests/sim/sc_fence.c \
	tests/sim/sc_fork.c \
	tests/sim/sc_heal.c \
	tests/sim/sc_hedge.c \
	tests/sim/sc_inbox.c \
	tests/sim/sc_saved.c \
	tests/sim/sc_priority.c \
	tests/sim/sc_lane.c \
	tests/sim/sc_limit.c \
	tests/sim/sc_lines.c \
	tests/sim/sc_pause.c \
	tests/sim/sc_pool.c \
	tests/sim/sc_ring.c \
	tests/sim/sc_stack.c
tests_sim_sim_CPPFLAGS = -I$(top_srcdir)/tests/sim/include \
	-I$(top_srcdir)/tests/sim $(AM_CPPFLAGS) \
	-DBELL_RUSH_AFTER=sim_rush_after -DBRIDGE_SPARE=2 -DCANCEL_SPIN=1 \
	-DDEPUTY_AWAY_MS=20000 -DDEPUTY_LOOKS=sim_looks -DKEPT_COPIES=4 \
	-DPATIENCE=HOST_FOREVER -DTRUST=HOST_FOREVER \
	-DDEQUE_SIZE=2 -DDUE_FAN_SHIFT=1 -DDUE_LEVELS=2 \
	-DWARD_ASSERTIONS \
	-fsanitize=thread
tests_sim_sim_LDADD = tests/sim/libsched.la

# The scheduler itself is seen by nobody, and is no part of sanitizers' builds.
if !TSAN
if !ASAN
check_LTLIBRARIES += tests/sim/libsched.la
endif
endif
tests_sim_libsched_la_SOURCES = \
	tests/sim/access.h \
	tests/sim/core.h \
	tests/sim/host_sim.c \
	tests/sim/lines.c \
	tests/sim/lines.h \
	tests/sim/litmus.h \
	tests/sim/main.c \
	tests/sim/memory.c \
	tests/sim/race.c \
	tests/sim/sched.c \
	tests/sim/sim.h
tests_sim_libsched_la_CPPFLAGS = -I$(top_srcdir)/tests/sim/include \
	-I$(top_srcdir)/tests/sim $(AM_CPPFLAGS)

EXTRA_DIST += tests/sim/README.md tests/sim/bugs
