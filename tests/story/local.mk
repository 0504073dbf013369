# SPDX-License-Identifier: BSD-2-Clause
# One fear each.  httpd_scripts drive examples/httpd (make check-httpd).

sane_story_tests = \
	tests/story/abba \
	tests/story/aborts \
	tests/story/ageing \
	tests/story/all_hang \
	tests/story/asleep \
	tests/story/attempts \
	tests/story/audits \
	tests/story/births \
	tests/story/blind \
	tests/story/bridge_unbroken \
	tests/story/callbacks \
	tests/story/cancel_storm \
	tests/story/clock \
	tests/story/cells_hostile \
	tests/story/cells_killed \
	tests/story/cells_steward_hangs \
	tests/story/close_blocked \
	tests/story/death \
	tests/story/debugger \
	tests/story/steward_hangs \
	tests/story/declared_block \
	tests/story/destroy \
	tests/story/drop_oldest \
	tests/story/end_vs_fence \
	tests/story/environment \
	tests/story/fair \
	tests/story/faults \
	tests/story/faults_many \
	tests/story/fork \
	tests/story/fork_deep \
	tests/story/fork_heals \
	tests/story/full_ring_rerun \
	tests/story/grows_on_demand \
	tests/story/helpers_held \
	tests/story/hook_hangs \
	tests/story/lane_storm \
	tests/story/late_birth \
	tests/story/left_behind \
	tests/story/limits \
	tests/story/livelock \
	tests/story/near \
	tests/story/nested_waits \
	tests/story/no_proc \
	tests/story/nobody_listens \
	tests/story/notify \
	tests/story/no_progress \
	tests/story/no_threads \
	tests/story/nudge_signal \
	tests/story/oom \
	tests/story/poison \
	tests/story/polling_sleeps \
	tests/story/publish \
	tests/story/resize_under_load \
	tests/story/same_incident \
	tests/story/starvation \
	tests/story/starved_holder \
	tests/story/stopped \
	tests/story/hedge_race \
	tests/story/lane_turns \
	tests/story/many_submitters \
	tests/story/stopped_lane \
	tests/story/stopped_submitter \
	tests/story/submit_deadlock \
	tests/story/thousand_workers \
	tests/story/unblock_once \
	tests/story/unblock_pipe \
	tests/story/ward_deaf \
	tests/story/ward_ends \
	tests/story/ward_gives_up \
	tests/story/ward_million \
	tests/story/ward_no_threads \
	tests/story/ward_notify \
	tests/story/ward_orders \
	tests/story/ward_races \
	tests/story/wrap \
	tests/story/zombie_holder \
	tests/story/zombie_home
# Their processes end in a way of the sanitizer's own: its handlers were first.
story_tests = $(sane_story_tests) \
	tests/story/faults_end \
	tests/story/fork_steps \
	tests/story/refusals \
	tests/story/unloaded
story_scripts = \
	tests/story/cxx.sh
EXTRA_DIST += tests/story/exceptions.cc tests/story/forked.cc
story_scripts += tests/story/gdb.sh tests/story/probes.sh tests/story/promtool.sh \
	tests/story/trace.sh tests/story/watched_cost.sh
story_programs = tests/story/to_watch tests/story/to_watch_shared
tests_story_to_watch_LDADD = libward-core.la
tests_story_to_watch_shared_SOURCES = tests/story/to_watch.c
tests_story_to_watch_shared_LDADD = libward.la
check_PROGRAMS += $(story_programs)
story_scripts += tests/story/examples.sh tests/story/service.sh
story_scripts += tests/story/glib.sh tests/story/libuv.sh
if HAVE_GIO
story_programs += tests/story/glib_user
endif
tests_story_glib_user_CPPFLAGS = $(AM_CPPFLAGS) $(GIO_CFLAGS)
tests_story_glib_user_CFLAGS = $(EXAMPLE_CFLAGS)
tests_story_glib_user_LDADD = $(GIO_LIBS)
if HAVE_UV
story_programs += tests/story/libuv_user
endif
tests_story_libuv_user_CPPFLAGS = $(AM_CPPFLAGS) $(UV_CFLAGS)
tests_story_libuv_user_CFLAGS = $(EXAMPLE_CFLAGS)
tests_story_libuv_user_LDADD = $(UV_LIBS)
if HAVE_NCURSES
story_scripts += tests/story/wardtop.sh
story_programs += tests/story/watched
endif
tests_story_watched_LDADD = libward-core.la
httpd_scripts = \
	tests/story/httpd_cells.sh \
	tests/story/httpd_core.sh \
	tests/story/httpd_degraded.sh \
	tests/story/httpd_end.sh \
	tests/story/httpd_faults.sh \
	tests/story/httpd_files.sh

# Files that the stories share.
check_LTLIBRARIES += tests/story/libstory.la
tests_story_libstory_la_SOURCES = tests/story/story.c tests/story/story.h
tests/story/%: PART_LIBS = tests/story/libstory.la
$(story_tests): tests/story/libstory.la
EXTRA_DIST += tests/story/cells.h tests/story/expect.h tests/story/faulty.h tests/story/hold.h tests/story/lock.h \
	tests/story/manager.h tests/story/office.h \
	tests/story/wards.h

# A fleet fed from NATS: its workers are the same program again.
if HAVE_NATS
story_tests += tests/story/fleet tests/story/nats_steward_hangs
story_scripts += tests/story/fleet_files.sh
story_programs += tests/nats/with_nats
else
EXTRA_DIST += tests/story/fleet_files.sh tests/story/nats_steward_hangs.c
endif
tests_story_fleet_SOURCES = tests/story/fleet.c tests/story/fleet.h tests/story/fleet_worker.c
tests_story_nats_steward_hangs_LDADD = libward-nats-core.la tests/nats/libcluster.la $(LDADD)
tests_story_fleet_LDADD = libward-nats-core.la tests/nats/libcluster.la libward-core.la

if HAVE_URCU
sane_story_tests += tests/story/rcu
endif
tests_story_rcu_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
tests_story_rcu_LDADD = $(LDADD) $(URCU_LIBS)

# A plugin as a stranger makes one: -rpath makes it a shared object.
check_LTLIBRARIES += tests/story/plugin.la
tests_story_plugin_la_SOURCES = tests/story/plugin.c
tests_story_plugin_la_LIBADD = libward-core.la
tests_story_plugin_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
tests_story_unloaded_LDADD =

# These stand between the library and its host.
tests_story_clock_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_now \
	-Wl,--wrap=host_utc -Wl,--wrap=host_wait -Wl,--wrap=host_join
tests_story_end_vs_fence_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_barrier_heavy
tests_story_environment_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_wait
tests_story_helpers_held_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_wait \
	-Wl,--wrap=host_wake -Wl,--wrap=host_sample -Wl,--wrap=host_syscall \
	-Wl,--wrap=host_spawn -Wl,--wrap=host_join -Wl,--wrap=host_wait_lives \
	-Wl,--wrap=host_life_hold -Wl,--wrap=host_stat_open -Wl,--wrap=host_try_stderr
tests_story_late_birth_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_spawn -Wl,--wrap=host_life_lost
tests_story_left_behind_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_alloc -Wl,--wrap=host_free
tests_story_near_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_near_find
tests_story_no_threads_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_spawn
tests_story_notify_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_notify_send
tests_story_oom_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_alloc \
	-Wl,--wrap=host_free -Wl,--wrap=calloc -Wl,--wrap=mmap
tests_story_stopped_lane_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=inbox_pass
tests_story_ward_no_threads_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_spawn \
	-Wl,--wrap=host_alloc -Wl,--wrap=host_free

# httpd's client, and what its scripts share.
httpd_programs = tests/story/httpd_client
check_PROGRAMS += $(httpd_programs)
tests_story_httpd_client_LDADD =
EXTRA_DIST += tests/story/httpd.lua tests/story/httpd.sh

tsan_tests += tests/story/cancel_storm tests/story/bridge_unbroken tests/story/ward_races
tsan_tests += tests/story/close_blocked tests/story/drop_oldest tests/story/fork_deep
tsan_tests += tests/story/lane_storm
asan_tests += $(sane_story_tests)
alone_tests += $(story_tests) $(httpd_scripts)
