/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics.c - pools in numbers, as a text that collectors read (OpenMetrics 1.0).
 *
 * All samples of a family stand together, so all pools' numbers are taken first.  They
 * lie on the stack, a frame for each pool: the text is to be had also where the heap's
 * lock is lost with a thread.
 */
#include "front/front.h"
#include "tell/text.h"
#include <string.h>

struct reading {
	const char *pool;
	struct ward_stats stats;
	const struct reading *next;
};

enum type { GAUGE, COUNTER, HISTOGRAM };

static const char *const type_name[] = { "gauge", "counter", "histogram" };

/* One without help is of the same family as the one before. */
struct metric {
	enum type type;
	const char *name;
	const char *label; /* besides pool="...", or NULL */
	size_t at, width;  /* of the field in struct ward_stats */
	const char *help;
	size_t less; /* the field that is subtracted; 0: none */
	bool seconds;
};

#define AT(field) offsetof(struct ward_stats, field)
#define FIELD(field)                                                           \
	.at = AT(field), .width = sizeof(((struct ward_stats *)0)->field)

static const struct metric metrics[] = {
	{ GAUGE, "ward_workers", "state=\"running\"", FIELD(running),
	  "Workers by what they do; one that looks for work does none of these.",
	  .less = AT(blocked) },
	{ GAUGE, "ward_workers", "state=\"blocked\"", FIELD(blocked) },
	{ GAUGE, "ward_workers", "state=\"idle\"", FIELD(idle) },
	{ GAUGE, "ward_workers", "state=\"vacant\"", FIELD(vacant) },
	{ GAUGE, "ward_workers_seated", NULL, FIELD(workers),
	  "Seats that are taken." },
	{ GAUGE, "ward_workers_wanted", NULL, FIELD(wanted),
	  "Workers that there should be." },
	{ GAUGE, "ward_workers_least", NULL, FIELD(least),
	  "The fewest workers that are wanted on demand." },
	{ GAUGE, "ward_workers_most", NULL, FIELD(most),
	  "The most workers that are wanted on demand." },
	{ GAUGE, "ward_spares", NULL, FIELD(spares),
	  "Threads ready to take a seat." },
	{ GAUGE, "ward_zombies", "state=\"awake\"", FIELD(zombies),
	  "Threads that were fenced and are not back, awake or asleep.",
	  .less = AT(zombies_asleep) },
	{ GAUGE, "ward_zombies", "state=\"asleep\"", FIELD(zombies_asleep) },
	{ GAUGE, "ward_zombies_cap", "state=\"awake\"", FIELD(zombies_cap),
	  "Zombies that may be out; beyond, the pool is degraded." },
	{ GAUGE, "ward_zombies_cap", "state=\"asleep\"",
	  FIELD(zombies_asleep_cap) },
	{ GAUGE, "ward_degraded", NULL, FIELD(degraded),
	  "1 while stuck workers are not replaced, else 0." },
	{ GAUGE, "ward_neighbourhoods", NULL, FIELD(neighbourhoods),
	  "Neighbourhoods of CPUs that workers are spread over." },

	{ COUNTER, "ward_tasks_accepted", NULL, FIELD(accepted),
	  "Tasks that have come in." },
	{ COUNTER, "ward_tasks_answered", NULL, FIELD(answered),
	  "Tasks that have ended, in whatever way." },
	{ COUNTER, "ward_tasks_refused", NULL, FIELD(refused),
	  "Submits that found no room." },
	{ GAUGE, "ward_tasks_queued", NULL, FIELD(queued),
	  "Tasks that wait for a worker." },
	{ GAUGE, "ward_tasks_owed", NULL, FIELD(owed),
	  "Tasks that wait for a point in time, a rerun or a late answer." },
	{ GAUGE, "ward_tasks_waiting", NULL, FIELD(waiting),
	  "Of the tasks owed, those that wait for a time, a backoff or a limit." },
	{ GAUGE, "ward_tasks_in_lanes", NULL, FIELD(in_lanes),
	  "Tasks that wait for their turn in a lane." },
	{ COUNTER, "ward_tasks_dead", NULL, FIELD(dead_letters),
	  "Tasks that failed or were lost for good." },
	{ COUNTER, "ward_forks_stolen", NULL, FIELD(stolen),
	  "Forks that another worker took; each is a task, too." },

	{ COUNTER, "ward_attempts_started", NULL, FIELD(started),
	  "Attempts that have begun." },
	{ COUNTER, "ward_attempts_ended", NULL, FIELD(ended),
	  "Attempts that have ended and were not lost." },
	{ COUNTER, "ward_attempts_failed", NULL, FIELD(failed),
	  "Attempts that have ended with a failure." },
	{ COUNTER, "ward_attempts_lost", "reason=\"stall\"", FIELD(stalled),
	  "Attempts whose answer was taken away from their thread." },
	{ COUNTER, "ward_attempts_lost", "reason=\"death\"", FIELD(died) },
	{ COUNTER, "ward_attempts_lost", "reason=\"fault\"", FIELD(faulted) },
	{ COUNTER, "ward_attempts_late", NULL, FIELD(late),
	  "Attempts that have ended after they were lost." },
	{ COUNTER, "ward_attempts_again", NULL, FIELD(reruns),
	  "Attempts after one that failed or was lost." },
	{ COUNTER, "ward_commits_refused", NULL, FIELD(stale_commits),
	  "Commits that were refused." },
	{ COUNTER, "ward_regrets", NULL, FIELD(regrets),
	  "Commits refused to attempts that were only late." },

	{ COUNTER, "ward_convictions", "reason=\"livelock\"",
	  FIELD(convicted_livelock),
	  "Workers that were judged lost, and replaced." },
	{ COUNTER, "ward_convictions", "reason=\"blocked\"",
	  FIELD(convicted_blocked) },
	{ COUNTER, "ward_convictions", "reason=\"no_progress\"",
	  FIELD(convicted_progress) },
	{ COUNTER, "ward_acquittals", NULL, FIELD(acquitted),
	  "Workers that were judged lost, but moved before the fence." },
	{ COUNTER, "ward_heals", NULL, FIELD(heals),
	  "Seats given to another thread." },
	{ COUNTER, "ward_zombies_entered", NULL, FIELD(zombies_entered),
	  "Threads that were fenced and lost their seat." },
	{ COUNTER, "ward_zombies_returned", NULL, FIELD(zombies_returned),
	  "Zombies that came home." },
	{ COUNTER, "ward_zombies_reaped", NULL, FIELD(zombies_reaped),
	  "Zombies that ended." },
	{ COUNTER, "ward_thread_deaths", NULL, FIELD(deaths),
	  "Threads that died." },
	{ COUNTER, "ward_threads_created", NULL, FIELD(threads_created),
	  "Threads made for workers and spares." },
	{ COUNTER, "ward_threads_joined", NULL, FIELD(threads_joined),
	  "Threads joined." },
	{ COUNTER, "ward_reports", "outcome=\"told\"", FIELD(reports_told),
	  "Reports by what became of them." },
	{ COUNTER, "ward_reports", "outcome=\"suppressed\"",
	  FIELD(reports_suppressed) },

	{ GAUGE, "ward_cells", NULL, FIELD(cells_working),
	  "Cells that take calls." },
	{ COUNTER, "ward_cells_born", NULL, FIELD(cells_born),
	  "Cells that became ready." },
	{ COUNTER, "ward_cells_unborn", NULL, FIELD(cells_unborn),
	  "Cells that ended, or were too late, before they were ready." },
	{ COUNTER, "ward_cells_ended", "reason=\"death\"", FIELD(cells_died),
	  "Cells that have ended, by what ended them." },
	{ COUNTER, "ward_cells_ended", "reason=\"conviction\"", FIELD(cells_killed) },
	{ COUNTER, "ward_cells_ended", "reason=\"garbled\"", FIELD(cells_garbled) },
	{ COUNTER, "ward_cells_ended", "reason=\"recycled\"", FIELD(cells_recycled) },
	{ COUNTER, "ward_calls_lost", NULL, FIELD(calls_lost),
	  "Attempts of calls that ended with their cell." },
	{ COUNTER, "ward_calls_moved", NULL, FIELD(calls_moved),
	  "Calls that went to another cell before they began." },

	{ COUNTER, "ward_steward_scans", NULL, FIELD(scans),
	  "Rounds of the steward." },
	{ COUNTER, "ward_steward_looks", NULL, FIELD(looks),
	  "Looks of the steward into the kernel." },
	{ COUNTER, "ward_steward_rescues", NULL, FIELD(rescues),
	  "Wakeups that only the steward gave." },
	{ GAUGE, "ward_steward_worst_lateness_seconds", NULL,
	  FIELD(worst_lateness), "The latest that the steward ever woke up.",
	  .seconds = true },

	{ HISTOGRAM, "ward_queue_time_seconds", NULL, FIELD(queue_time),
	  "From a submit to the attempt, of one task in 64.", .seconds = true },
	{ HISTOGRAM, "ward_run_time_seconds", NULL, FIELD(run_time),
	  "Inside run(), of one task in 64.", .seconds = true },
	{ HISTOGRAM, "ward_heal_time_seconds", NULL, FIELD(heal_time),
	  "From a loss to another worker in the seat.", .seconds = true },
	{ HISTOGRAM, "ward_regret_time_seconds", NULL, FIELD(regret_time),
	  "From a conviction to a commit that was refused for it.",
	  .seconds = true },
};

enum { METRICS = sizeof(metrics) / sizeof(metrics[0]) };

/* ---- numbers ------------------------------------------------------------------- */

static uint64_t number_at(const struct ward_stats *stats, size_t at,
			  size_t width)
{
	const char *from = (const char *)stats + at;
	uint32_t narrow;
	uint64_t wide;

	if (width == sizeof(wide)) {
		memcpy(&wide, from, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, from, sizeof(narrow));
	return narrow;
}

/* They are read one after another, so the lesser one may be ahead. */
static uint64_t value_of(const struct metric *m, const struct ward_stats *stats)
{
	uint64_t value = number_at(stats, m->at, m->width);
	uint64_t less = m->less ? number_at(stats, m->less, m->width) : 0;

	return value > less ? value - less : 0;
}

/* ---- text ------------------------------------------------------------------------ */

static void put_line(struct text *out, const char *key, const struct metric *m,
		     const char *value)
{
	text_put(out, key);
	text_put(out, m->name);
	text_char(out, ' ');
	text_put(out, value);
	text_char(out, '\n');
}

static void put_family(struct text *out, const struct metric *m)
{
	put_line(out, "# HELP ", m, m->help);
	put_line(out, "# TYPE ", m, type_name[m->type]);
	if (m->seconds)
		put_line(out, "# UNIT ", m, "seconds");
}

static void put_name(struct text *out, const struct metric *m,
		     const char *suffix, const char *pool)
{
	text_put(out, m->name);
	text_put(out, suffix);
	text_put(out, "{pool=\"");
	text_label(out, pool);
	text_char(out, '"');
}

static void put_sample(struct text *out, const struct metric *m,
		       const struct reading *of)
{
	uint64_t value = value_of(m, &of->stats);

	put_name(out, m, m->type == COUNTER ? "_total" : "", of->pool);
	if (m->label) {
		text_char(out, ',');
		text_put(out, m->label);
	}
	text_put(out, "} ");
	if (m->seconds)
		text_seconds(out, value);
	else
		text_number(out, value, 1);
	text_char(out, '\n');
}

/* Each bucket with all before it; its bound is the longest span in it. */
static void put_histogram(struct text *out, const struct metric *m,
			  const struct reading *of)
{
	uint64_t up_to = 0;

	for (unsigned i = 0; i < WARD_BUCKETS; i++) {
		up_to += number_at(&of->stats, m->at + i * sizeof(up_to),
				   sizeof(up_to));
		put_name(out, m, "_bucket", of->pool);
		text_put(out, ",le=\"");
		if (i < WARD_BUCKETS - 1)
			text_seconds(out, (UINT64_C(2) << i) - 1);
		else
			text_put(out, "+Inf");
		text_put(out, "\"} ");
		text_number(out, up_to, 1);
		text_char(out, '\n');
	}
}

static void put_all(struct text *out, const struct reading *first)
{
	for (unsigned i = 0; first && i < METRICS; i++) {
		const struct metric *m = &metrics[i];

		if (m->help)
			put_family(out, m);
		for (const struct reading *of = first; of; of = of->next)
			(m->type == HISTOGRAM ? put_histogram : put_sample)(
				out, m, of);
	}
	text_put(out, "# EOF\n");
}

/* ---- pools ----------------------------------------------------------------------- */

static bool is_named(const struct reading *among, const char *name)
{
	while (among && strcmp(among->pool, name) != 0)
		among = among->next;
	return among;
}

/* Takes the numbers of n pools, the last one first, and then writes all. */
static int read_pools(struct ward_pool *const *pools, unsigned n,
		const struct reading *taken, struct text *out)
{
	struct reading mine = { .stats = WARD_STATS_INIT, .next = taken };
	int err;

	if (n == 0) {
		put_all(out, taken);
		return text_end(out);
	}
	err = ward_pool_stats(pools[n - 1], &mine.stats);
	if (err)
		return err;
	mine.pool = ((struct pool *)pools[n - 1])->name;
	return is_named(taken, mine.pool) ? -EEXIST :
					    read_pools(pools, n - 1, &mine, out);
}

int ward_metrics(struct ward_pool *const *pools, unsigned n, char *buf,
		 size_t len)
{
	struct text out = { .buf = buf, .len = len };

	if ((!pools && n) || (!buf && len))
		return -EINVAL;
	return read_pools(pools, n, NULL, &out);
}
