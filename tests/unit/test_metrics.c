/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"
#include "json.h"
#include "openmetrics.h"

static char text[256 << 10];
static struct om om;

/* ---- numbers as they are wanted ------------------------------------------ */

static const struct ward_stats *given; /* NULL: the pool's own */

int __real_ward_pool_stats(struct ward_pool *pool, struct ward_stats *stats);
int __wrap_ward_pool_stats(struct ward_pool *pool, struct ward_stats *stats);

int __wrap_ward_pool_stats(struct ward_pool *pool, struct ward_stats *stats)
{
	int err = __real_ward_pool_stats(pool, stats);

	if (!err && given)
		*stats = *given;
	return err;
}

static struct ward_pool *named(const char *name)
{
	struct ward_pool_config config = job_config(1);

	config.name = name;
	return created(&config);
}

/* What is said of these pools, which is in order. */
static int said_of(struct ward_pool *const *pools, unsigned n)
{
	int len = ward_metrics(pools, n, text, sizeof(text));

	cr_assert_geq(len, 0, "%s", strerror(-len));
	cr_assert_eq((size_t)len, strlen(text));
	cr_assert_str_empty(om_read(&om, text));
	return len;
}

static long double value(const char *name, const char *pool, const char *more)
{
	char sample[128];

	snprintf(sample, sizeof(sample), "%s{pool=\"%s\"%s}", name, pool, more);
	return om_value(text, sample);
}

#define SAYS(sample, more, number)                                             \
	cr_assert_eq(value(sample, "ward", more), (long double)(number),       \
		     "%s{%s} is %Lf", sample, more, value(sample, "ward", more))

/* ---- the reader ------------------------------------------------------------ */

Test(metrics, the_reader_finds_what_is_wrong)
{
#define HEAD "# HELP a x\n# TYPE a "
	static const char *const bad[] = {
		"",
		HEAD "gauge\na 1\n",
		HEAD "gauge\na 1\n# EOF",
		HEAD "gauge\na 1\n# EOF\na 2\n",
		HEAD "counter\na 1\n# EOF\n",
		HEAD "gauge\na_total 1\n# EOF\n",
		HEAD "gauge\na{x=\"\\t\"} 1\n# EOF\n",
		HEAD "gauge\na{x=\"1\"y=\"2\"} 1\n# EOF\n",
		HEAD "gauge\na{x=\"1} 1\n# EOF\n",
		HEAD "gauge\na{} -1\n# EOF\n",
		HEAD "gauge\na{x=\"1\"} 1,5\n# EOF\n",
		HEAD "gauge\nb{x=\"1\"} 1\n# EOF\n",
		"# TYPE a gauge\na{x=\"1\"} 1\n# EOF\n",
		HEAD "gauge\n# UNIT a seconds\na{x=\"1\"} 1\n# EOF\n",
		HEAD "gauge\na{x=\"1\"} 1\n# TYPE b gauge\n# HELP a x\n# EOF\n",
		HEAD "histogram\na_bucket{x=\"1\",le=\"2\"} 1\n"
		     "a_bucket{x=\"1\",le=\"1\"} 1\n# EOF\n",
		HEAD "histogram\na_bucket{x=\"1\",le=\"1\"} 2\n"
		     "a_bucket{x=\"1\",le=\"+Inf\"} 1\n# EOF\n",
		HEAD "histogram\na_bucket{x=\"1\",le=\"1\"} 1\n"
		     "a_bucket{x=\"2\",le=\"+Inf\"} 1\n# EOF\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_str_not_empty(om_read(&om, bad[i]), "%s", bad[i]);
	cr_expect_str_empty(om_read(&om, HEAD "histogram\n"
					      "a_bucket{x=\"1\",le=\"1\"} 1\n"
					      "a_bucket{x=\"1\",le=\"+Inf\"} 1\n"
					      "# EOF\n"));
#undef HEAD
}

/* ---- what is said ------------------------------------------------------------ */

Test(metrics, each_number_stands_under_its_name)
{
	struct ward_stats s = WARD_STATS_INIT;
	struct ward_pool *pool = pool_of(1);
	uint32_t *word = &s.size;

	for (size_t i = 1; i < sizeof(s) / 4; i++)
		word[i] = i < 17 ? 100 + (uint32_t)(i % 7 * i) : 0;
	for (uint64_t *n = &s.accepted; n < s.queue_time; n++)
		*n = 1000000 + (uint64_t)(n - &s.accepted);
	s.running = 20, s.blocked = 3, s.zombies = 9, s.zombies_asleep = 5;
	s.zombies_cap = 11, s.zombies_asleep_cap = 12;
	s.stolen = 77, s.in_lanes = 78;
	for (uint64_t *n = &s.cells_working; n <= &s.calls_moved; n++)
		*n = 500 + (uint64_t)(n - &s.cells_working);
	s.worst_lateness = WARD_MS(1500) + 1;
	given = &s;
	said_of(&pool, 1);
	SAYS("ward_workers", ",state=\"running\"", 17);
	SAYS("ward_workers", ",state=\"blocked\"", 3);
	SAYS("ward_workers", ",state=\"idle\"", s.idle);
	SAYS("ward_workers", ",state=\"vacant\"", s.vacant);
	SAYS("ward_workers_seated", "", s.workers);
	SAYS("ward_workers_wanted", "", s.wanted);
	SAYS("ward_workers_least", "", s.least);
	SAYS("ward_workers_most", "", s.most);
	SAYS("ward_spares", "", s.spares);
	SAYS("ward_zombies", ",state=\"awake\"", 4);
	SAYS("ward_zombies", ",state=\"asleep\"", 5);
	SAYS("ward_zombies_cap", ",state=\"awake\"", 11);
	SAYS("ward_zombies_cap", ",state=\"asleep\"", 12);
	SAYS("ward_degraded", "", s.degraded);
	SAYS("ward_neighbourhoods", "", s.neighbourhoods);
	SAYS("ward_tasks_accepted_total", "", s.accepted);
	SAYS("ward_tasks_answered_total", "", s.answered);
	SAYS("ward_tasks_refused_total", "", s.refused);
	SAYS("ward_tasks_queued", "", s.queued);
	SAYS("ward_tasks_owed", "", s.owed);
	SAYS("ward_tasks_waiting", "", s.waiting);
	SAYS("ward_tasks_in_lanes", "", 78);
	SAYS("ward_tasks_dead_total", "", s.dead_letters);
	SAYS("ward_forks_stolen_total", "", 77);
	SAYS("ward_attempts_started_total", "", s.started);
	SAYS("ward_attempts_ended_total", "", s.ended);
	SAYS("ward_attempts_failed_total", "", s.failed);
	SAYS("ward_attempts_lost_total", ",reason=\"stall\"", s.stalled);
	SAYS("ward_attempts_lost_total", ",reason=\"death\"", s.died);
	SAYS("ward_attempts_lost_total", ",reason=\"fault\"", s.faulted);
	SAYS("ward_attempts_late_total", "", s.late);
	SAYS("ward_attempts_again_total", "", s.reruns);
	SAYS("ward_commits_refused_total", "", s.stale_commits);
	SAYS("ward_regrets_total", "", s.regrets);
	SAYS("ward_convictions_total", ",reason=\"livelock\"",
	     s.convicted_livelock);
	SAYS("ward_convictions_total", ",reason=\"blocked\"",
	     s.convicted_blocked);
	SAYS("ward_convictions_total", ",reason=\"no_progress\"",
	     s.convicted_progress);
	SAYS("ward_acquittals_total", "", s.acquitted);
	SAYS("ward_heals_total", "", s.heals);
	SAYS("ward_zombies_entered_total", "", s.zombies_entered);
	SAYS("ward_zombies_returned_total", "", s.zombies_returned);
	SAYS("ward_zombies_reaped_total", "", s.zombies_reaped);
	SAYS("ward_thread_deaths_total", "", s.deaths);
	SAYS("ward_threads_created_total", "", s.threads_created);
	SAYS("ward_threads_joined_total", "", s.threads_joined);
	SAYS("ward_reports_total", ",outcome=\"told\"", s.reports_told);
	SAYS("ward_reports_total", ",outcome=\"suppressed\"",
	     s.reports_suppressed);
	SAYS("ward_cells", "", 500);
	SAYS("ward_cells_born_total", "", 501);
	SAYS("ward_cells_unborn_total", "", 502);
	SAYS("ward_cells_ended_total", ",reason=\"death\"", 503);
	SAYS("ward_cells_ended_total", ",reason=\"conviction\"", 504);
	SAYS("ward_cells_ended_total", ",reason=\"garbled\"", 505);
	SAYS("ward_cells_ended_total", ",reason=\"recycled\"", 506);
	SAYS("ward_calls_lost_total", "", 507);
	SAYS("ward_calls_moved_total", "", 508);
	SAYS("ward_steward_scans_total", "", s.scans);
	SAYS("ward_steward_looks_total", "", s.looks);
	SAYS("ward_steward_rescues_total", "", s.rescues);
	SAYS("ward_steward_worst_lateness_seconds", "", 1.500000001L);
	given = NULL;
	ended(pool);
}

/* A field that is new must not be left out. */
Test(metrics, no_field_is_left_out)
{
	struct ward_stats s = WARD_STATS_INIT;
	struct ward_pool *pool = pool_of(1);
	unsigned char *byte = (unsigned char *)&s;
	static char empty[sizeof(text)];

	given = &s;
	said_of(&pool, 1);
	strcpy(empty, text);
	for (size_t i = sizeof(s.size); i < sizeof(s); i++) {
		byte[i] = 1;
		said_of(&pool, 1);
		cr_assert_str_neq(text, empty, "what stands at %zu", i);
		byte[i] = 0;
	}
	given = NULL;
	ended(pool);
}

Test(metrics, buckets_hold_what_is_no_longer_than_their_bound)
{
	struct ward_stats s = WARD_STATS_INIT;
	struct ward_pool *pool = pool_of(1);
	static const char *const name[] = { "ward_queue_time_seconds_bucket",
					    "ward_run_time_seconds_bucket",
					    "ward_heal_time_seconds_bucket",
					    "ward_regret_time_seconds_bucket" };

	for (int i = 0; i < WARD_BUCKETS; i++) {
		s.queue_time[i] = 1;
		s.run_time[i] = 2;
		s.heal_time[i] = 3;
		s.regret_time[i] = 4;
	}
	given = &s;
	said_of(&pool, 1);
	for (int i = 0; i < 4; i++) {
		SAYS(name[i], ",le=\"0.000000001\"", i + 1);
		SAYS(name[i], ",le=\"0.000000003\"", 2 * (i + 1));
		SAYS(name[i], ",le=\"0.000001023\"", 10 * (i + 1));
		SAYS(name[i], ",le=\"1.073741823\"", 30 * (i + 1));
		SAYS(name[i], ",le=\"549.755813887\"", 39 * (i + 1));
		SAYS(name[i], ",le=\"+Inf\"", 40 * (i + 1));
	}
	given = NULL;
	ended(pool);
}

static bool is_still(struct ward_pool *pool)
{
	return stat_is(pool, idle, 2) && stat_is(pool, zombies, 0);
}

/* After all that can go wrong has. */
Test(metrics, they_agree_with_the_stats)
{
	struct job job[200], lost[3] = { job_of_kind(job_exit),
					 job_of_kind(job_spin),
					 job_of_kind(job_sleep) };
	struct ward_pool *pool = pool_of(2);
	struct ward_stats s;

	for (int i = 0; i < 3; i++) {
		lost[i].task.policy = &hasty;
		submitted(pool, &lost[i]);
		cr_assert(comes_true(load_acquire(&lost[i].dones) == 1));
		store_relaxed(&lost[i].stop, 1);
		gate_open(&lost[i].gate);
	}
	for (int i = 0; i < 200; i++) {
		job[i] = job_of_kind(job_run);
		submitted(pool, &job[i]);
		job_had(&job[i], 0);
	}
	cr_assert(is_still(pool));
	s = stats_of(pool);
	given = &s;
	said_of(&pool, 1);
	given = NULL;
	SAYS("ward_tasks_accepted_total", "", 203);
	SAYS("ward_tasks_answered_total", "", 203);
	SAYS("ward_workers", ",state=\"idle\"", 2);
	SAYS("ward_attempts_lost_total", ",reason=\"death\"", 1);
	SAYS("ward_attempts_lost_total", ",reason=\"stall\"", 2);
	SAYS("ward_convictions_total", ",reason=\"livelock\"", 1);
	SAYS("ward_convictions_total", ",reason=\"blocked\"", 1);
	SAYS("ward_zombies_entered_total", "", s.zombies_entered);
	SAYS("ward_heals_total", "", s.heals);
	ended(pool);
}

/* One thread is out, asleep; another one is stuck in its seat, for one is the cap. */
Test(metrics, zombies_and_a_degraded_pool)
{
	struct ward_pool_config config = job_config(2);
	struct job job[2] = { job_of_kind(job_sleep), job_of_kind(job_sleep) };
	struct ward_pool *pool;

	config.zombies = config.zombies_asleep = 1;
	pool = started(&config);
	for (int i = 0; i < 2; i++) {
		job[i].task.policy = &hasty;
		submitted(pool, &job[i]);
		gate_came(&job[i].gate);
		cr_assert(i ? stat_is(pool, degraded, 1) : stat_is(pool, zombies, 1));
	}
	said_of(&pool, 1);
	SAYS("ward_degraded", "", 1);
	SAYS("ward_zombies", ",state=\"awake\"", 0);
	SAYS("ward_zombies", ",state=\"asleep\"", 1);
	SAYS("ward_zombies_cap", ",state=\"asleep\"", 1);
	SAYS("ward_workers", ",state=\"running\"", 1);
	SAYS("ward_workers", ",state=\"vacant\"", 0);
	SAYS("ward_tasks_accepted_total", "", 2);
	SAYS("ward_tasks_answered_total", "", 1);
	SAYS("ward_attempts_lost_total", ",reason=\"stall\"", 1);
	for (int i = 2; i--;) { /* else there would be room for the second */
		gate_open(&job[i].gate);
		cr_assert(job_is_released(&job[i]));
	}
	cr_assert(stat_is(pool, degraded, 0));
	cr_assert(stat_is(pool, zombies, 0));
	said_of(&pool, 1);
	SAYS("ward_degraded", "", 0);
	SAYS("ward_zombies", ",state=\"asleep\"", 0);
	SAYS("ward_zombies_entered_total", "", 1);
	SAYS("ward_zombies_returned_total", "", 1);
	SAYS("ward_tasks_answered_total", "", 2);
	ended(pool);
}

/* A token for the first; the second waits for the next one, the third for its turn. */
Test(metrics, a_lane_with_a_limit)
{
	struct ward_pool *pool = pool_of(2);
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_limit limit, *limits[] = { &limit };
	struct job job[3];
	struct ward_lane *lane;

	cr_assert_eq(ward_limit_init(&limit, 1 / 3600.0, 1), 0);
	config.limits = limits;
	config.nlimits = 1;
	cr_assert_eq(ward_lane_create(&lane, pool, &config), 0);
	for (int i = 0; i < 3; i++) {
		job[i] = job_of_kind(job_run);
		cr_assert_eq(ward_lane_submit(lane, &job[i].task, 0), 0);
	}
	job_had(&job[0], 0);
	cr_assert(stat_is(pool, in_lanes, 1));
	said_of(&pool, 1);
	SAYS("ward_tasks_in_lanes", "", 1);
	SAYS("ward_tasks_queued", "", 0);
	SAYS("ward_tasks_owed", "", 1);
	SAYS("ward_tasks_waiting", "", 1);
	SAYS("ward_tasks_accepted_total", "", 2);
	cr_assert(ward_lane_cancel(lane, 0));
	job_had(&job[1], -ECANCELED);
	job_had(&job[2], -ECANCELED);
	cr_assert_eq(ward_lane_destroy(lane), 0);
	said_of(&pool, 1);
	SAYS("ward_tasks_in_lanes", "", 0);
	SAYS("ward_tasks_waiting", "", 0);
	ended(pool);
}

/* ---- several pools --------------------------------------------------------------- */

Test(metrics, each_pool_has_its_samples_in_each_family)
{
	struct ward_pool *pool[3] = { named("a"), named("b\"\\\n"),
				      named("\xc3\xa9\xff") };
	unsigned one;

	said_of(pool, 1);
	one = om.samples;
	cr_assert_gt(one, 150);
	said_of(pool, 3);
	cr_assert_eq(om.samples, 3 * one);
	cr_assert_eq(value("ward_workers_wanted", "a", ""), 1);
	cr_assert_eq(value("ward_workers_wanted", "b\\\"\\\\\\n", ""), 1);
	cr_assert_eq(value("ward_workers_wanted", "\xc3\xa9\xef\xbf\xbd", ""),
		     1);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ward_pool_destroy(pool[i], 0), 0);
}

Test(metrics, two_of_one_name_are_refused)
{
	struct ward_pool *pool[3] = { named("a"), named("b"), named("a") };

	strcpy(text, "as it was");
	cr_assert_eq(ward_metrics(pool, 3, text, sizeof(text)), -EEXIST);
	cr_assert_eq(ward_metrics((struct ward_pool *[]){ pool[0], pool[0] }, 2,
				  text, sizeof(text)),
		     -EEXIST);
	cr_assert_eq(ward_metrics((struct ward_pool *[]){ pool[0], NULL }, 2,
				  text, sizeof(text)),
		     -EINVAL);
	cr_assert_eq(ward_metrics(NULL, 1, text, sizeof(text)), -EINVAL);
	cr_assert_eq(ward_metrics(pool, 1, NULL, 1), -EINVAL);
	cr_assert_str_eq(text, "as it was");
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ward_pool_destroy(pool[i], 0), 0);
}

Test(metrics, no_pool_is_the_end_alone)
{
	cr_assert_eq(ward_metrics(NULL, 0, text, sizeof(text)), 6);
	cr_assert_str_eq(text, "# EOF\n");
}

/* ---- beside the pool's end -------------------------------------------------------- */

static struct ward_pool *ends;
static _Atomic uint32_t runs_on;

/* By the thread that destroys the pool. */
static void done_says(struct ward_task *task, int status)
{
	cr_assert_eq(status, -ECANCELED);
	said_of(&ends, 1);
	job_done(task, status);
}

/* By a worker, until it is told to stop. */
static int says_on(struct ward_task *task)
{
	static char own[sizeof(text)];

	job_begins(job_of(task));
	while (!ward_check()) {
		store_relaxed(&runs_on, 1);
		cr_assert_gt(ward_metrics(&ends, 1, own, sizeof(own)), 0);
	}
	cr_assert_gt(ward_metrics(&ends, 1, own, sizeof(own)), 0);
	return 0;
}

Test(metrics, inside_of_a_destroy)
{
	struct job job[2] = { job_of_kind(says_on), job_of_kind(job_run) };

	ends = pool_of(1);
	submitted(ends, &job[0]);
	cr_assert(comes_true(load_relaxed(&runs_on)));
	job[1].task.done = done_says;
	submitted(ends, &job[1]);
	cr_assert_eq(ward_pool_destroy(ends, ward_in(IN_TIME)), 0);
	job_had(&job[0], 0);
	job_had(&job[1], -ECANCELED);
	SAYS("ward_workers_seated", "", 1);
}

/* ---- room ---------------------------------------------------------------------------- */

Test(metrics, what_has_no_room_is_cut)
{
	struct ward_pool *pool = named("a");
	static char whole[sizeof(text)];
	int len = said_of(&pool, 1);

	strcpy(whole, text);
	cr_assert_eq(ward_metrics(&pool, 1, NULL, 0), len);
	for (int room = 1; room <= len + 1; room += room < len - 2 ? 997 : 1) {
		memset(text, '#', sizeof(text));
		cr_assert_eq(ward_metrics(&pool, 1, text, (size_t)room), len);
		cr_assert_eq(strlen(text), (size_t)room - 1);
		cr_assert_eq(strncmp(text, whole, (size_t)room - 1), 0);
		cr_assert_eq(text[room], '#');
		cr_assert_eq(!*om_read(&om, text), room == len + 1);
	}
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

/* As pool.h says: however large the numbers and whatever the name. */
Test(metrics, there_is_a_room_that_is_enough)
{
	struct ward_pool *pool[2] = { named("\xff\xff\xff\xff\xff\xff\xff"
					    "\xff\xff\xff\xff"),
				      named("\xfe\xff\xff\xff\xff\xff\xff"
					    "\xff\xff\xff\xff") };
	struct ward_stats s;

	memset(&s, 0xff, sizeof(s));
	for (int i = 0; i < WARD_BUCKETS; i++)
		s.queue_time[i] = s.run_time[i] = s.heal_time[i] =
			s.regret_time[i] = UINT64_MAX / WARD_BUCKETS;
	given = &s;
	cr_assert_lt(ward_metrics(pool, 1, text, sizeof(text)),
		     WARD_METRICS_ROOM(1));
	cr_assert_lt(ward_metrics(pool, 2, text, sizeof(text)),
		     WARD_METRICS_ROOM(2));
	given = NULL;
	for (int i = 0; i < 2; i++)
		cr_assert_eq(ward_pool_destroy(pool[i], 0), 0);
}

/* ---- examples/grafana/ward.json ------------------------------------------------------- */

static const char *dashboard(void)
{
	static char json[128 << 10];
	char path[4096];
	const char *top = getenv("top_srcdir");
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/examples/grafana/ward.json",
		 top ? top : "..");
	file = fopen(path, "r");
	cr_assert(file, "%s: %s", path, strerror(errno));
	n = fread(json, 1, sizeof(json) - 1, file);
	cr_assert_lt(n, sizeof(json) - 1);
	fclose(file);
	return json;
}

Test(metrics, the_dashboard_asks_for_what_there_is)
{
	struct ward_pool *pool = named("a");
	const char *json = dashboard();
	unsigned asked = 0;

	cr_assert(json_is_one(json));
	said_of(&pool, 1);
	for (const char *s = json; (s = strstr(s, "ward_")); asked++) {
		size_t n = om_name(s);
		char sample[64];

		snprintf(sample, sizeof(sample), "\n%.*s{", (int)n, s);
		cr_expect(strstr(text, sample), "no %.*s", (int)n, s);
		s += n;
	}
	cr_assert_gt(asked, 30);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}
