# SPDX-License-Identifier: BSD-2-Clause
# The library's own sources under a deterministic scheduler: README.md.

sim_tests = tests/sim/sim
sim_scripts = tests/sim/bugs.sh

# The library's sources, compiled unchanged against the headers in include/, and the
# scenarios.  -fsanitize=thread makes the compiler report each plain access; its runtime
# is not linked, race.c answers.  (It stands with the preprocessor's flags because those
# are not handed to the linker.)
tests_sim_sim_SOURCES = \
	adapters/libuv/answer.c \
	adapters/libuv/end.c \
	adapters/libuv/request.c \
	lib/cell/birth.c \
	lib/cell/call.c \
	lib/cell/caller.c \
	lib/cell/cell_page.c \
	lib/cell/cells.c \
	lib/cell/collect.c \
	lib/cell/collector.c \
	lib/cell/inside.c \
	lib/cell/send.c \
	lib/cell/set.c \
	lib/cell/told.c \
	lib/cell/watch.c \
	lib/flow/bridge.c \
	lib/flow/hedge.c \
	lib/flow/saved.c \
	lib/front/audit.c \
	lib/front/create.c \
	lib/front/lanes.c \
	lib/front/pool.c \
	lib/front/port_run.c \
	lib/front/recall.c \
	lib/front/resize.c \
	lib/front/self.c \
	lib/front/submit.c \
	lib/heal/clerk.c \
	lib/heal/deputy.c \
	lib/heal/excuse.c \
	lib/heal/handoff.c \
	lib/heal/heal.c \
	lib/heal/helpers.c \
	lib/heal/idle.c \
	lib/heal/judge.c \
	lib/heal/ledger.c \
	lib/heal/notify.c \
	lib/heal/plan.c \
	lib/heal/publish.c \
	lib/heal/rescue.c \
	lib/heal/sample.c \
	lib/heal/stats.c \
	lib/heal/steward.c \
	lib/heal/verdict.c \
	lib/heal/zombie.c \
	lib/lane/lane.c \
	lib/lane/lane_list.c \
	lib/lane/limit.c \
	lib/lane/limit_set.c \
	lib/lane/port.c \
	lib/lane/stop.c \
	lib/lane/wait.c \
	lib/nats/answer.c \
	lib/nats/arrive.c \
	lib/nats/ask.c \
	lib/nats/claim.c \
	lib/nats/config.c \
	lib/nats/count.c \
	lib/nats/finish.c \
	lib/nats/keeper.c \
	lib/nats/log.c \
	lib/nats/nats.c \
	lib/nats/run.c \
	lib/nats/send.c \
	lib/nats/stored.c \
	lib/nats/table.c \
	lib/pool/page.c \
	lib/pool/pool.c \
	lib/queue/inbox.c \
	lib/queue/later.c \
	lib/queue/near.c \
	lib/queue/prio_queue.c \
	lib/run/fail.c \
	lib/run/fault.c \
	lib/run/fork.c \
	lib/run/loop.c \
	lib/run/lost.c \
	lib/run/orphaned.c \
	lib/run/reap.c \
	lib/run/seat.c \
	lib/run/spare.c \
	lib/run/steal.c \
	lib/run/sweep.c \
	lib/run/thread.c \
	lib/run/unblock.c \
	lib/run/worker.c \
	lib/sync/bell.c \
	lib/sync/due.c \
	lib/task/priority.c \
	lib/task/slot.c \
	lib/task/token.c \
	lib/task/watch.c \
	lib/tell/dedup.c \
	lib/tell/format.c \
	lib/tell/incident.c \
	lib/tell/recent.c \
	lib/tell/scribe.c \
	lib/tell/shown.c \
	lib/tell/text.c \
	tests/sim/include/base/host_home.h \
	tests/sim/include/base/host_lock.h \
	tests/sim/include/ck_pr.h \
	tests/sim/include/nats/nats.h \
	tests/sim/include/stdatomic.h \
	tests/sim/include/uv-common.h \
	tests/sim/include/uv.h \
	tests/sim/litmus.c \
	tests/sim/names.h \
	tests/sim/nats_server.c \
	tests/sim/nats_server.h \
	tests/sim/parked.h \
	tests/sim/sc_bell.c \
	tests/sim/sc_task_priv.c \
	tests/sim/sc_bridge.c \
	tests/sim/sc_cell_edges.c \
	tests/sim/sc_cells.c \
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
	tests/sim/sc_snapshot.c \
	tests/sim/sc_priority.c \
	tests/sim/sc_lane.c \
	tests/sim/sc_limit.c \
	tests/sim/sc_lines.c \
	tests/sim/sc_owned_ring.c \
	tests/sim/sc_owner.c \
	tests/sim/sc_nats.c \
	tests/sim/sc_pause.c \
	tests/sim/sc_pool.c \
	tests/sim/sc_ring.c \
	tests/sim/sc_stack.c \
	tests/sim/sc_uv.c
tests_sim_sim_CPPFLAGS = -I$(top_srcdir)/tests/sim/include \
	-I$(top_srcdir)/tests/sim -I$(top_srcdir)/adapters $(AM_CPPFLAGS) \
	-DBELL_RUSH_AFTER=sim_rush_after -DBRIDGE_SPARE=2 -DCANCEL_SPIN=1 \
	-DDEPUTY_AWAY_MS=20000 -DDEPUTY_LOOKS=sim_looks -DSAVED_COPIES=4 \
	-DPATIENCE=HOST_FOREVER -DTRUST=HOST_FOREVER \
	-DDEQUE_SIZE=2 -DWARD_FORK_CELLS_=2 -DDEQUE_PATIENCE=1 -DOWNED_PATIENCE=1 -DOWNED_CALM=1 -DDUE_FAN_SHIFT=1 -DDUE_LEVELS=2 \
	-DCELLS_ALL=4u -DCELLS_LOOKS=1 -DINSIDE_LOOKS=1 -DCALLER_ROUNDS=1u \
	-DBIRTH_WITHIN=HOST_FOREVER/16 -DEND_WITHIN=HOST_FOREVER/16 \
	-DTELL=WARD_FOREVER -DWARD_ASSERTIONS -UWARD_PROBES \
	-fsanitize=thread
tests_sim_sim_LDADD = tests/sim/libsched.la
# A call is sent to a cell by its address, which is to be the same in each run.
tests_sim_sim_LDFLAGS = $(AM_LDFLAGS) -no-pie

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
