# SPDX-License-Identifier: BSD-2-Clause
# The library.  A new file is one line here, in its layer, in order.

wardincludedir = $(includedir)/ward
wardinclude_HEADERS = \
	include/ward/base.h \
	include/ward/bridge.h \
	include/ward/cancel.h \
	include/ward/cxx.h \
	include/ward/error.h \
	include/ward/fork.h \
	include/ward/hedge.h \
	include/ward/lane.h \
	include/ward/limit.h \
	include/ward/pool.h \
	include/ward/port.h \
	include/ward/report.h \
	include/ward/stats.h \
	include/ward/steward.h \
	include/ward/task.h \
	include/ward/ward.h

WARD_SOURCES = \
	lib/base/atomic.h \
	lib/base/check.c \
	lib/base/check.h \
	lib/base/handle.h \
	lib/base/host.c \
	lib/base/host.h \
	lib/base/host_about.c \
	lib/base/host_about.h \
	lib/base/host_cpus.c \
	lib/base/host_event.c \
	lib/base/host_fault.c \
	lib/base/host_fault.h \
	lib/base/host_barrier.c \
	lib/base/host_file.c \
	lib/base/host_futex.c \
	lib/base/host_init.c \
	lib/base/host_inside.h \
	lib/base/host_life.c \
	lib/base/host_home.h \
	lib/base/host_lock.h \
	lib/base/host_sample.c \
	lib/base/host_memory.c \
	lib/base/host_near.c \
	lib/base/host_near.h \
	lib/base/host_near_sys.c \
	lib/base/host_notify.c \
	lib/base/host_object.c \
	lib/base/host_sched.c \
	lib/base/host_signal.c \
	lib/base/host_symbol.h \
	lib/base/host_thread.c \
	lib/base/host_trace.c \
	lib/base/host_where.c \
	lib/base/host_where.h \
	lib/sync/bell.c \
	lib/sync/bell.h \
	lib/sync/bucket.h \
	lib/sync/deque.h \
	lib/sync/due.c \
	lib/sync/due.h \
	lib/sync/high.h \
	lib/sync/histogram.h \
	lib/sync/ring.h \
	lib/sync/stack.h \
	lib/sync/wait_queue.h \
	lib/tell/format.c \
	lib/tell/format.h \
	lib/tell/frame.c \
	lib/tell/frame.h \
	lib/tell/dedup.c \
	lib/tell/dedup.h \
	lib/tell/incident.c \
	lib/tell/incident.h \
	lib/tell/recent.c \
	lib/tell/recent.h \
	lib/tell/scribe.c \
	lib/tell/text.c \
	lib/tell/text.h \
	lib/work/backoff.h \
	lib/work/cancel.c \
	lib/work/cancel.h \
	lib/work/death.c \
	lib/work/fail.c \
	lib/work/fail.h \
	lib/work/fault.c \
	lib/work/fork.c \
	lib/work/inbox.c \
	lib/work/inbox.h \
	lib/work/lane.c \
	lib/work/lane.h \
	lib/work/lane_list.c \
	lib/work/lanes.c \
	lib/work/later.c \
	lib/work/later.h \
	lib/work/limit.c \
	lib/work/limit.h \
	lib/work/limit_set.c \
	lib/work/limit_set.h \
	lib/work/local_queue.h \
	lib/work/lost.c \
	lib/work/near.c \
	lib/work/near.h \
	lib/work/pay.c \
	lib/work/pool.c \
	lib/work/pool.h \
	lib/work/port.c \
	lib/work/port.h \
	lib/work/port_run.c \
	lib/work/prio_queue.c \
	lib/work/prio_queue.h \
	lib/work/priority.c \
	lib/work/priority.h \
	lib/work/recall.c \
	lib/work/seat.c \
	lib/work/seat_count.c \
	lib/work/seat_count.h \
	lib/work/self.c \
	lib/work/slot.c \
	lib/work/slot.h \
	lib/work/spare.c \
	lib/work/steal.c \
	lib/work/steal.h \
	lib/work/stop.c \
	lib/work/stop.h \
	lib/work/submit.c \
	lib/work/sweep.c \
	lib/work/task_priv.h \
	lib/work/thread.c \
	lib/work/thread.h \
	lib/work/token.c \
	lib/work/unblock.c \
	lib/work/unblock.h \
	lib/work/wait.c \
	lib/work/wait.h \
	lib/work/watch.c \
	lib/work/worker.c \
	lib/work/worker.h \
	lib/heal/helpers.c \
	lib/heal/clerk.c \
	lib/heal/deputy.c \
	lib/heal/excuse.c \
	lib/heal/excuse.h \
	lib/heal/handoff.c \
	lib/heal/heal.c \
	lib/heal/heal.h \
	lib/heal/idle.c \
	lib/heal/judge.c \
	lib/heal/judge.h \
	lib/heal/ledger.c \
	lib/heal/ledger.h \
	lib/heal/plan.c \
	lib/heal/plan.h \
	lib/heal/rescue.c \
	lib/heal/sample.c \
	lib/heal/steward.c \
	lib/heal/verdict.c \
	lib/heal/zombie.c \
	lib/heal/zombie.h \
	lib/front/audit.c \
	lib/front/create.c \
	lib/front/front.h \
	lib/front/pool.c \
	lib/front/prefault.c \
	lib/front/resize.c \
	lib/front/stats.c \
	lib/flow/bridge.c \
	lib/flow/bridge.h \
	lib/flow/checkpoint.c \
	lib/flow/deferred.c \
	lib/flow/deferred.h \
	lib/flow/go.c \
	lib/flow/hedge.c \
	lib/flow/incarnation.c \
	lib/flow/intensity.h \
	lib/flow/saved.c \
	lib/flow/saved.h \
	lib/flow/supervisor.c \
	lib/flow/timer.c \
	lib/flow/timer.h \
	lib/flow/tree.c \
	lib/flow/tree.h \
	lib/flow/view.c \
	lib/flow/ward.c \
	lib/flow/ward.h \
	lib/flow/watchdog.c

# Names of code, where there is libdw to find them.
if HAVE_DW
WARD_SOURCES += lib/base/host_symbol.c
else
WARD_SOURCES += lib/base/host_symbol_none.c
endif

# Everything once, for libward.la and for the programs of the house.
noinst_LTLIBRARIES += libward-core.la
libward_core_la_SOURCES = $(WARD_SOURCES)
libward_core_la_LIBADD = $(DW_LIBS)

# What is installed: the same objects, with only ward_* to be seen.  nodelete,
# because threads outlive a dlclose().
lib_LTLIBRARIES += libward.la
libward_la_SOURCES =
libward_la_LIBADD = libward-core.la $(DW_LIBS)
libward_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-Wl,--version-script=$(top_srcdir)/lib/ward.map \
	-Wl,-Bsymbolic-functions -Wl,-z,nodelete
EXTRA_libward_la_DEPENDENCIES = lib/ward.map $(top_srcdir)/lib/link.sh
libward_la_LINK = CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(WARD_LTO) $(LDFLAGS)' \
	ONE_FLAGS='$(WARD_ONE)' AR='$(AR)' RANLIB='$(RANLIB)' \
	OBJCOPY='$(OBJCOPY)' $(SHELL) $(top_srcdir)/lib/link.sh \
	$(LIBTOOL) $(AM_V_lt) --tag=CC $(AM_LIBTOOLFLAGS) $(LIBTOOLFLAGS) \
	--mode=link $(CCLD) $(AM_CFLAGS) $(CFLAGS) $(libward_la_LDFLAGS) \
	$(LDFLAGS) -o $@

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = ward.pc

# As it is installed: prefix and the like may be given to 'make install'.
install-data-hook:
	sed -e 's|^prefix=.*|prefix=$(prefix)|' \
		-e 's|^exec_prefix=.*|exec_prefix=$(exec_prefix)|' \
		-e 's|^libdir=.*|libdir=$(libdir)|' \
		-e 's|^includedir=.*|includedir=$(includedir)|' \
		ward.pc >'$(DESTDIR)$(pkgconfigdir)/ward.pc'

EXTRA_DIST += lib/link.sh lib/ward.map
