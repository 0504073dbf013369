# SPDX-License-Identifier: BSD-2-Clause
# The library.  A new file is one line here, in its layer, in order.

wardincludedir = $(includedir)/ward
wardinclude_HEADERS = \
	include/ward/base.h \
	include/ward/bridge.h \
	include/ward/cancel.h \
	include/ward/cell.h \
	include/ward/cxx.h \
	include/ward/error.h \
	include/ward/fork.h \
	include/ward/hedge.h \
	include/ward/lane.h \
	include/ward/limit.h \
	include/ward/loop.h \
	include/ward/page.h \
	include/ward/pool.h \
	include/ward/port.h \
	include/ward/report.h \
	include/ward/stats.h \
	include/ward/steward.h \
	include/ward/task.h \
	include/ward/ward.h

wardcxxincludedir = $(wardincludedir)/cxx
wardcxxinclude_HEADERS = \
	include/ward/cxx/asio.h \
	include/ward/cxx/coro.h \
	include/ward/cxx/error.h \
	include/ward/cxx/fork.h \
	include/ward/cxx/future.h \
	include/ward/cxx/job.h \
	include/ward/cxx/lane.h \
	include/ward/cxx/pool.h \
	include/ward/cxx/store.h \
	include/ward/cxx/submit.h \
	include/ward/cxx/task.h \
	include/ward/cxx/time.h \
	include/ward/cxx/token.h

WARD_SOURCES = \
	lib/base/atomic.h \
	lib/base/check.c \
	lib/base/check.h \
	lib/base/handle.h \
	lib/base/host.c \
	lib/base/host.h \
	lib/base/host_about.c \
	lib/base/host_about.h \
	lib/base/host_barrier.c \
	lib/base/host_cpus.c \
	lib/base/host_event.c \
	lib/base/host_fault.c \
	lib/base/host_fault.h \
	lib/base/host_file.c \
	lib/base/host_futex.c \
	lib/base/host_home.h \
	lib/base/host_init.c \
	lib/base/host_inside.h \
	lib/base/host_life.c \
	lib/base/host_lock.h \
	lib/base/host_list.c \
	lib/base/host_memory.c \
	lib/base/host_near.c \
	lib/base/host_near.h \
	lib/base/host_near_sys.c \
	lib/base/host_notify.c \
	lib/base/host_object.c \
	lib/base/host_page.c \
	lib/base/host_process.c \
	lib/base/host_sample.c \
	lib/base/host_sched.c \
	lib/base/host_segment.c \
	lib/base/host_signal.c \
	lib/base/host_symbol.h \
	lib/base/host_thread.c \
	lib/base/host_trace.c \
	lib/base/host_where.c \
	lib/base/host_zygote.c \
	lib/base/probe.h \
	lib/sync/bell.c \
	lib/sync/bell.h \
	lib/sync/bucket.h \
	lib/sync/deque.h \
	lib/sync/due.c \
	lib/sync/due.h \
	lib/sync/histogram.h \
	lib/sync/owned_ring.h \
	lib/sync/page_part.h \
	lib/sync/ring.h \
	lib/sync/snapshot.h \
	lib/sync/stack.h \
	lib/sync/stripes.h \
	lib/sync/wait_queue.h \
	lib/tell/dedup.c \
	lib/tell/dedup.h \
	lib/tell/format.c \
	lib/tell/format.h \
	lib/tell/incident.c \
	lib/tell/incident.h \
	lib/tell/recent.c \
	lib/tell/recent.h \
	lib/tell/scribe.c \
	lib/tell/shown.c \
	lib/tell/shown.h \
	lib/tell/text.c \
	lib/tell/text.h \
	lib/task/backoff.h \
	lib/task/cancel.h \
	lib/task/fail.h \
	lib/task/local_queue.h \
	lib/task/priority.c \
	lib/task/priority.h \
	lib/task/slot.c \
	lib/task/slot.h \
	lib/task/steal.h \
	lib/task/task_priv.h \
	lib/task/thread.h \
	lib/task/token.c \
	lib/task/unblock.h \
	lib/task/watch.c \
	lib/queue/inbox.c \
	lib/queue/inbox.h \
	lib/queue/later.c \
	lib/queue/later.h \
	lib/queue/near.c \
	lib/queue/near.h \
	lib/queue/prio_queue.c \
	lib/queue/prio_queue.h \
	lib/pool/page.c \
	lib/pool/page.h \
	lib/pool/pool.c \
	lib/pool/pool.h \
	lib/pool/seat_count.h \
	lib/lane/lane.c \
	lib/lane/lane.h \
	lib/lane/lane_list.c \
	lib/lane/limit.c \
	lib/lane/limit.h \
	lib/lane/limit_set.c \
	lib/lane/limit_set.h \
	lib/lane/port.c \
	lib/lane/port.h \
	lib/lane/stop.c \
	lib/lane/stop.h \
	lib/lane/wait.c \
	lib/lane/wait.h \
	lib/run/fail.c \
	lib/run/fault.c \
	lib/run/fork.c \
	lib/run/loop.c \
	lib/run/lost.c \
	lib/run/orphaned.c \
	lib/run/reap.c \
	lib/run/run.h \
	lib/run/seat.c \
	lib/run/spare.c \
	lib/run/steal.c \
	lib/run/sweep.c \
	lib/run/thread.c \
	lib/run/unblock.c \
	lib/run/worker.c \
	lib/run/worker.h \
	lib/heal/clerk.c \
	lib/heal/deputy.c \
	lib/heal/excuse.c \
	lib/heal/excuse.h \
	lib/heal/handoff.c \
	lib/heal/heal.c \
	lib/heal/heal.h \
	lib/heal/helpers.c \
	lib/heal/idle.c \
	lib/heal/judge.c \
	lib/heal/judge.h \
	lib/heal/ledger.c \
	lib/heal/ledger.h \
	lib/heal/notify.c \
	lib/heal/notify.h \
	lib/heal/plan.c \
	lib/heal/plan.h \
	lib/heal/publish.c \
	lib/heal/rescue.c \
	lib/heal/sample.c \
	lib/heal/stats.c \
	lib/heal/steward.c \
	lib/heal/verdict.c \
	lib/heal/zombie.c \
	lib/heal/zombie.h \
	lib/front/audit.c \
	lib/front/create.c \
	lib/front/front.h \
	lib/front/lanes.c \
	lib/front/metrics.c \
	lib/front/pool.c \
	lib/front/port_run.c \
	lib/front/recall.c \
	lib/front/resize.c \
	lib/front/self.c \
	lib/front/submit.c \
	lib/cell/birth.c \
	lib/cell/call.c \
	lib/cell/caller.c \
	lib/cell/cell.h \
	lib/cell/cell_page.c \
	lib/cell/cells.c \
	lib/cell/collect.c \
	lib/cell/collector.c \
	lib/cell/inside.c \
	lib/cell/inside.h \
	lib/cell/send.c \
	lib/cell/set.c \
	lib/cell/shared.h \
	lib/cell/told.c \
	lib/cell/watch.c \
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
	lib/flow/tree_page.c \
	lib/flow/view.c \
	lib/flow/ward.c \
	lib/flow/ward.h

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
libward_la_LDFLAGS = $(AM_LDFLAGS) -version-info $(WARD_VERSION_INFO) \
	-Wl,--version-script=$(top_srcdir)/lib/ward.map \
	-Wl,-Bsymbolic-functions -Wl,-z,nodelete
EXTRA_libward_la_DEPENDENCIES = lib/ward.map $(top_srcdir)/lib/link.sh
link_one = CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(WARD_LTO) $(LDFLAGS)' \
	ONE_FLAGS='$(WARD_ONE)' AR='$(AR)' RANLIB='$(RANLIB)' \
	OBJCOPY='$(OBJCOPY)' $(SHELL) $(top_srcdir)/lib/link.sh $@ \
	$(LIBTOOL) $(AM_V_lt) --tag=CC $(AM_LIBTOOLFLAGS) $(LIBTOOLFLAGS) \
	--mode=link $(CCLD) $(AM_CFLAGS) $(CFLAGS)
libward_la_LINK = $(link_one) $(libward_la_LDFLAGS) $(LDFLAGS) -o $@

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = ward.pc
cmakedir = $(libdir)/cmake/ward
nodist_cmake_DATA = ward-config.cmake ward-config-version.cmake

# As it is installed: prefix and the like may be given to 'make install'.  CMake finds all
# from where its file lies.
install-data-hook:
	for pc in $(nodist_pkgconfig_DATA); do \
		sed -e 's|^prefix=.*|prefix=$(prefix)|' \
			-e 's|^exec_prefix=.*|exec_prefix=$(exec_prefix)|' \
			-e 's|^libdir=.*|libdir=$(libdir)|' \
			-e 's|^includedir=.*|includedir=$(includedir)|' \
			$$pc >'$(DESTDIR)$(pkgconfigdir)'/$$pc || exit 1; \
	done
	include=$$(realpath -ms --relative-to='$(cmakedir)' '$(includedir)') && \
		sed "s|@WARD_INCLUDE_FROM_HERE@|$$include|" ward-config.cmake \
			>'$(DESTDIR)$(cmakedir)/ward-config.cmake'

EXTRA_DIST += lib/link.sh lib/ward.abi lib/ward.abignore lib/ward.map

# ---- libward-nats, which stands on libward's public calls ----------------------------

WARD_NATS_SOURCES = \
	lib/nats/answer.c \
	lib/nats/arrive.c \
	lib/nats/ask.c \
	lib/nats/claim.c \
	lib/nats/config.c \
	lib/nats/connect.c \
	lib/nats/consumer.h \
	lib/nats/count.c \
	lib/nats/finish.c \
	lib/nats/health.c \
	lib/nats/keeper.c \
	lib/nats/log.c \
	lib/nats/nats.c \
	lib/nats/run.c \
	lib/nats/send.c \
	lib/nats/stored.c \
	lib/nats/table.c
EXTRA_DIST += lib/ward-nats.map include/ward/nats.h $(WARD_NATS_SOURCES)
if HAVE_NATS
wardinclude_HEADERS += include/ward/nats.h
noinst_LTLIBRARIES += libward-nats-core.la
libward_nats_core_la_SOURCES = $(WARD_NATS_SOURCES)
libward_nats_core_la_LIBADD = $(NATS_LIBS)
lib_LTLIBRARIES += libward-nats.la
libward_nats_la_SOURCES =
libward_nats_la_LIBADD = libward-nats-core.la $(NATS_LIBS)
# libward by its file: libtool would link anew what stands on libward.la as it is installed,
# and not let prefix be given then.
libward_nats_la_LDFLAGS = $(AM_LDFLAGS) -version-info $(WARD_VERSION_INFO) \
	-Wl,--push-state,--no-as-needed,.libs/libward.so,--pop-state \
	-Wl,--version-script=$(top_srcdir)/lib/ward-nats.map \
	-Wl,-Bsymbolic-functions -Wl,-z,nodelete
EXTRA_libward_nats_la_DEPENDENCIES = libward.la lib/ward-nats.map \
	$(top_srcdir)/lib/link.sh
libward_nats_la_LINK = $(link_one) $(libward_nats_la_LDFLAGS) $(LDFLAGS) -o $@
nodist_pkgconfig_DATA += ward-nats.pc
endif

# gdb's commands, and where gdb looks for them: by the library's place and real name.
dist_pkgdata_DATA += lib/ward-gdb.py
auto_load = $(DESTDIR)$(datadir)/gdb/auto-load$(libdir)
real_name = sed -n "s/^library_names='\([^ ]*\) .*/\1/p" libward.la
install-exec-hook:
	name=$$($(real_name)); [ -z "$$name" ] || { \
		$(MKDIR_P) "$(auto_load)" && $(LN_S) -f \
			"$(pkgdatadir)/ward-gdb.py" "$(auto_load)/$$name-gdb.py"; }
uninstall-hook:
	name=$$($(real_name)); rm -f "$(auto_load)/$$name-gdb.py"
