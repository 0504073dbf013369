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
	tests/story/no_progress \
	tests/story/no_threads \
	tests/story/nudge_signal \
	tests/story/oom \
	tests/story/poison \
	tests/story/polling_sleeps \
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
	tests/story/refusals \
	tests/story/unloaded
story_scripts = \
	tests/story/exceptions.sh
EXTRA_DIST += tests/story/exceptions.cc
story_scripts += tests/story/examples.sh
httpd_scripts = \
	tests/story/httpd_degraded.sh \
	tests/story/httpd_end.sh \
	tests/story/httpd_faults.sh \
	tests/story/httpd_files.sh

# What the stories share.
check_LTLIBRARIES += tests/story/libstory.la
tests_story_libstory_la_SOURCES = tests/story/story.c tests/story/story.h
STORY_LIBS = tests/story/libstory.la libward-core.la

if HAVE_URCU
sane_story_tests += tests/story/rcu
tests_story_rcu_SOURCES = tests/story/rcu.c
tests_story_rcu_CPPFLAGS = $(AM_CPPFLAGS) $(URCU_CFLAGS)
tests_story_rcu_LDADD = $(STORY_LIBS) $(URCU_LIBS)
endif

# A plugin as a stranger makes one: -rpath makes it a shared object.
check_LTLIBRARIES += tests/story/plugin.la
tests_story_plugin_la_SOURCES = tests/story/plugin.c
tests_story_plugin_la_LIBADD = libward-core.la
tests_story_plugin_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -rpath /nowhere
tests_story_unloaded_SOURCES = tests/story/unloaded.c
tests_story_unloaded_LDADD =

tests_story_refusals_SOURCES = tests/story/refusals.c
tests_story_refusals_LDADD = $(STORY_LIBS)

tests_story_abba_SOURCES = tests/story/abba.c
tests_story_abba_LDADD = $(STORY_LIBS)
tests_story_aborts_SOURCES = tests/story/aborts.c
tests_story_aborts_LDADD = $(STORY_LIBS)
tests_story_all_hang_SOURCES = tests/story/all_hang.c
tests_story_all_hang_LDADD = $(STORY_LIBS)
tests_story_asleep_SOURCES = tests/story/asleep.c
tests_story_asleep_LDADD = $(STORY_LIBS)
tests_story_attempts_SOURCES = tests/story/attempts.c
tests_story_attempts_LDADD = $(STORY_LIBS)
tests_story_audits_SOURCES = tests/story/audits.c
tests_story_audits_LDADD = $(STORY_LIBS)
tests_story_births_SOURCES = tests/story/births.c
tests_story_births_LDADD = $(STORY_LIBS)
tests_story_blind_SOURCES = tests/story/blind.c
tests_story_blind_LDADD = $(STORY_LIBS)
tests_story_bridge_unbroken_SOURCES = tests/story/bridge_unbroken.c tests/story/wards.h
tests_story_bridge_unbroken_LDADD = $(STORY_LIBS)
tests_story_callbacks_SOURCES = tests/story/callbacks.c
tests_story_callbacks_LDADD = $(STORY_LIBS)
tests_story_cancel_storm_SOURCES = tests/story/cancel_storm.c
tests_story_cancel_storm_LDADD = $(STORY_LIBS)
tests_story_clock_SOURCES = tests/story/clock.c
tests_story_clock_LDADD = $(STORY_LIBS)
tests_story_close_blocked_SOURCES = tests/story/close_blocked.c
tests_story_close_blocked_LDADD = $(STORY_LIBS)
tests_story_death_SOURCES = tests/story/death.c
tests_story_death_LDADD = $(STORY_LIBS)
tests_story_debugger_SOURCES = tests/story/debugger.c tests/story/hold.h
tests_story_debugger_LDADD = $(STORY_LIBS)

tests_story_steward_hangs_SOURCES = tests/story/steward_hangs.c \
	tests/story/hold.h
tests_story_steward_hangs_LDADD = $(STORY_LIBS)
tests_story_grows_on_demand_SOURCES = tests/story/grows_on_demand.c
tests_story_grows_on_demand_LDADD = $(STORY_LIBS)

tests_story_nested_waits_SOURCES = tests/story/nested_waits.c
tests_story_nested_waits_LDADD = $(STORY_LIBS)

tests_story_resize_under_load_SOURCES = tests/story/resize_under_load.c
tests_story_resize_under_load_LDADD = $(STORY_LIBS)

tests_story_declared_block_SOURCES = tests/story/declared_block.c
tests_story_declared_block_LDADD = $(STORY_LIBS)
tests_story_destroy_SOURCES = tests/story/destroy.c
tests_story_destroy_LDADD = $(STORY_LIBS)
tests_story_drop_oldest_SOURCES = tests/story/drop_oldest.c
tests_story_drop_oldest_LDADD = $(STORY_LIBS)
tests_story_end_vs_fence_SOURCES = tests/story/end_vs_fence.c
tests_story_end_vs_fence_LDADD = $(STORY_LIBS)
tests_story_environment_SOURCES = tests/story/environment.c
tests_story_environment_LDADD = $(STORY_LIBS)
tests_story_fair_SOURCES = tests/story/fair.c
tests_story_fair_LDADD = $(STORY_LIBS)
tests_story_faults_SOURCES = tests/story/faults.c tests/story/faulty.h
tests_story_faults_LDADD = $(STORY_LIBS)
tests_story_faults_end_SOURCES = tests/story/faults_end.c tests/story/faulty.h
tests_story_faults_end_LDADD = $(STORY_LIBS)
tests_story_faults_many_SOURCES = tests/story/faults_many.c tests/story/faulty.h
tests_story_faults_many_LDADD = $(STORY_LIBS)
tests_story_fork_SOURCES = tests/story/fork.c
tests_story_fork_LDADD = $(STORY_LIBS)
tests_story_fork_deep_SOURCES = tests/story/fork_deep.c
tests_story_fork_deep_LDADD = $(STORY_LIBS)
tests_story_fork_heals_SOURCES = tests/story/fork_heals.c
tests_story_fork_heals_LDADD = $(STORY_LIBS)
tests_story_full_ring_rerun_SOURCES = tests/story/full_ring_rerun.c
tests_story_full_ring_rerun_LDADD = $(STORY_LIBS)
tests_story_helpers_held_SOURCES = tests/story/helpers_held.c
tests_story_helpers_held_LDADD = $(STORY_LIBS)
tests_story_helpers_held_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_wait \
	-Wl,--wrap=host_wake -Wl,--wrap=host_look -Wl,--wrap=host_syscall \
	-Wl,--wrap=host_spawn -Wl,--wrap=host_join -Wl,--wrap=host_wait_lives \
	-Wl,--wrap=host_life_hold -Wl,--wrap=host_eye_open -Wl,--wrap=host_mutter
tests_story_hook_hangs_SOURCES = tests/story/hook_hangs.c
tests_story_hook_hangs_LDADD = $(STORY_LIBS)
tests_story_lane_storm_SOURCES = tests/story/lane_storm.c
tests_story_lane_storm_LDADD = $(STORY_LIBS)
tests_story_late_birth_SOURCES = tests/story/late_birth.c
tests_story_late_birth_LDADD = $(STORY_LIBS)
tests_story_left_behind_SOURCES = tests/story/left_behind.c
tests_story_left_behind_LDADD = $(STORY_LIBS)
tests_story_limits_SOURCES = tests/story/limits.c
tests_story_limits_LDADD = $(STORY_LIBS)

tests_story_livelock_SOURCES = tests/story/livelock.c
tests_story_livelock_LDADD = $(STORY_LIBS)
tests_story_no_proc_SOURCES = tests/story/no_proc.c
tests_story_no_proc_LDADD = $(STORY_LIBS)
tests_story_no_progress_SOURCES = tests/story/no_progress.c
tests_story_no_progress_LDADD = $(STORY_LIBS)
tests_story_no_threads_SOURCES = tests/story/no_threads.c
tests_story_no_threads_LDADD = $(STORY_LIBS)
tests_story_nobody_listens_SOURCES = tests/story/nobody_listens.c
tests_story_nobody_listens_LDADD = $(STORY_LIBS)
tests_story_nudge_signal_SOURCES = tests/story/nudge_signal.c
tests_story_nudge_signal_LDADD = $(STORY_LIBS)
tests_story_oom_SOURCES = tests/story/oom.c
tests_story_oom_LDADD = $(STORY_LIBS)
tests_story_poison_SOURCES = tests/story/poison.c
tests_story_poison_LDADD = $(STORY_LIBS)
tests_story_polling_sleeps_SOURCES = tests/story/polling_sleeps.c
tests_story_polling_sleeps_LDADD = $(STORY_LIBS)
tests_story_same_incident_SOURCES = tests/story/same_incident.c
tests_story_same_incident_LDADD = $(STORY_LIBS)
tests_story_near_SOURCES = tests/story/near.c
tests_story_near_LDADD = $(STORY_LIBS)
tests_story_near_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_near_find
tests_story_starvation_SOURCES = tests/story/starvation.c
tests_story_starvation_LDADD = $(STORY_LIBS)
tests_story_starved_holder_SOURCES = tests/story/starved_holder.c tests/story/lock.h
tests_story_starved_holder_LDADD = $(STORY_LIBS)
tests_story_stopped_SOURCES = tests/story/stopped.c
tests_story_stopped_LDADD = $(STORY_LIBS)
tests_story_lane_turns_SOURCES = tests/story/lane_turns.c
tests_story_lane_turns_LDADD = $(STORY_LIBS)
tests_story_hedge_race_SOURCES = tests/story/hedge_race.c
tests_story_hedge_race_LDADD = $(STORY_LIBS)

tests_story_many_submitters_SOURCES = tests/story/many_submitters.c
tests_story_many_submitters_LDADD = $(STORY_LIBS)

tests_story_thousand_workers_SOURCES = tests/story/thousand_workers.c
tests_story_thousand_workers_LDADD = $(STORY_LIBS)

tests_story_ageing_SOURCES = tests/story/ageing.c
tests_story_ageing_LDADD = $(STORY_LIBS)

tests_story_stopped_lane_SOURCES = tests/story/stopped_lane.c
tests_story_stopped_lane_LDADD = $(STORY_LIBS)
tests_story_stopped_lane_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=inbox_pass

tests_story_stopped_submitter_SOURCES = tests/story/stopped_submitter.c
tests_story_stopped_submitter_LDADD = $(STORY_LIBS)
tests_story_submit_deadlock_SOURCES = tests/story/submit_deadlock.c
tests_story_submit_deadlock_LDADD = $(STORY_LIBS)
tests_story_unblock_once_SOURCES = tests/story/unblock_once.c
tests_story_unblock_once_LDADD = $(STORY_LIBS)
tests_story_unblock_pipe_SOURCES = tests/story/unblock_pipe.c
tests_story_unblock_pipe_LDADD = $(STORY_LIBS)
tests_story_ward_ends_SOURCES = tests/story/ward_ends.c tests/story/wards.h
tests_story_ward_ends_LDADD = $(STORY_LIBS)
tests_story_ward_orders_SOURCES = tests/story/ward_orders.c tests/story/wards.h
tests_story_ward_orders_LDADD = $(STORY_LIBS)
tests_story_ward_deaf_SOURCES = tests/story/ward_deaf.c tests/story/wards.h
tests_story_ward_deaf_LDADD = $(STORY_LIBS)
tests_story_ward_gives_up_SOURCES = tests/story/ward_gives_up.c tests/story/wards.h
tests_story_ward_gives_up_LDADD = $(STORY_LIBS)
tests_story_ward_million_SOURCES = tests/story/ward_million.c tests/story/wards.h
tests_story_ward_million_LDADD = $(STORY_LIBS)
tests_story_ward_races_SOURCES = tests/story/ward_races.c tests/story/wards.h
tests_story_ward_races_LDADD = $(STORY_LIBS)
tests_story_ward_no_threads_SOURCES = tests/story/ward_no_threads.c tests/story/wards.h
tests_story_ward_no_threads_LDADD = $(STORY_LIBS)
tests_story_ward_notify_SOURCES = tests/story/ward_notify.c tests/story/wards.h
tests_story_ward_notify_LDADD = $(STORY_LIBS)
tests_story_wrap_SOURCES = tests/story/wrap.c
tests_story_wrap_LDADD = $(STORY_LIBS)
tests_story_zombie_holder_SOURCES = tests/story/zombie_holder.c tests/story/lock.h
tests_story_zombie_holder_LDADD = $(STORY_LIBS)
tests_story_zombie_home_SOURCES = tests/story/zombie_home.c
tests_story_zombie_home_LDADD = $(STORY_LIBS)

# These stand between the library and its host.
tests_story_left_behind_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_alloc -Wl,--wrap=host_free
tests_story_late_birth_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_spawn -Wl,--wrap=host_life_lost
tests_story_environment_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_wait
tests_story_clock_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_now \
	-Wl,--wrap=host_utc -Wl,--wrap=host_wait -Wl,--wrap=host_join
tests_story_end_vs_fence_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_fence_heavy
tests_story_ward_no_threads_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_spawn \
	-Wl,--wrap=host_alloc -Wl,--wrap=host_free
tests_story_no_threads_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_spawn
tests_story_oom_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=host_alloc \
	-Wl,--wrap=host_free -Wl,--wrap=calloc -Wl,--wrap=mmap

# httpd's client, and what its scripts share.
httpd_programs = tests/story/httpd_client
check_PROGRAMS += $(httpd_programs)
tests_story_httpd_client_SOURCES = tests/story/httpd_client.c
tests_story_httpd_client_LDADD =
EXTRA_DIST += tests/story/httpd.lua tests/story/httpd.sh

tsan_tests += tests/story/cancel_storm tests/story/bridge_unbroken tests/story/ward_races
tsan_tests += tests/story/close_blocked tests/story/drop_oldest tests/story/fork_deep
tsan_tests += tests/story/lane_storm
asan_tests += $(sane_story_tests)
alone_tests += $(story_tests) $(httpd_scripts)
