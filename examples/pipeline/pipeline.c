/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeline - a stage is replaced while the next one works, and what then comes twice.
 *
 *	generator  >  A  >  B
 *
 * A hands each result to B and waits until B is done with it.  B takes long over the
 * third.  A looks dead meanwhile: its attempt is taken away, and another begins the
 * third anew, though B has it.  Three remedies:
 *
 *	confirmed	A says that it waits: it is not replaced before B has
 *			confirmed the result
 *	first wins	B knows results by their number, and takes the first
 *	permission	an attempt that may hand over (ward_commit) is not run again;
 *			and a replaced one may not
 *
 * After "Heartbeats" in "Concurrency in Go" (K. Cox-Buday, 2017).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

enum { ITEMS = 5, LONG = 3, ATTEMPTS = 2 };
#define PATIENCE WARD_MS(40) /* so long A may be silent */

enum remedy { NONE, CONFIRMED, FIRST_WINS, PERMISSION };

/* From A to B: one for each attempt at an item. */
struct result {
	struct ward_task task;
	struct item *item;
	int value;
	_Atomic int confirmed;
};

struct item {
	struct ward_task task; /* for A */
	struct pipeline *pipeline;
	int number;
	_Atomic int attempts, answered;
	struct result result[ATTEMPTS];
};

static struct pipeline {
	enum remedy remedy;
	struct ward_lane *a, *b;
	struct item item[ITEMS];
	/* B's own; its tasks run one at a time. */
	int got[ITEMS * ATTEMPTS], n, refused;
	bool seen[ITEMS + 1];
} pipelines[4];

/* ---- B ------------------------------------------------------------------------ */

/* Until A has been given up, or for long enough where that will not be. */
static void work_long(struct item *item)
{
	ward_ns until = ward_in(5 * PATIENCE);

	while (item->attempts < ATTEMPTS && !item->answered) {
		if (item->pipeline->remedy == CONFIRMED && ward_now() > until)
			return;
		ward_beat();
		ward_pause(ward_in(WARD_MS(1)));
	}
}

static int b(struct ward_task *task)
{
	struct result *result = ward_entry(task, struct result, task);
	struct pipeline *p = result->item->pipeline;
	int number = result->item->number;

	if (p->remedy == FIRST_WINS && p->seen[number]) {
		p->refused++;
	} else {
		p->seen[number] = true;
		p->got[p->n++] = result->value;
		if (number == LONG)
			work_long(result->item);
	}
	result->confirmed = 1;
	return 0;
}

/* ---- A ------------------------------------------------------------------------ */

static int wait_for_b(struct result *result, bool declared)
{
	int why = 0;

	if (declared)
		ward_block_enter(WARD_FOREVER);
	while (!result->confirmed && !why)
		why = ward_pause(ward_in(WARD_MS(1))); /* silence */
	if (declared)
		ward_block_leave();
	return why;
}

static int a(struct ward_task *task)
{
	struct item *item = ward_entry(task, struct item, task);
	struct pipeline *p = item->pipeline;
	struct result *result = &item->result[item->attempts++];

	*result = (struct result){ .task = { .run = b, .name = "B" },
				   .item = item,
				   .value = item->number * 10 };
	if (p->remedy == PERMISSION && ward_commit())
		return -ESTALE;
	if (ward_lane_submit(p->b, &result->task, WARD_FOREVER))
		return -EPIPE;
	return wait_for_b(result, p->remedy == CONFIRMED);
}

static void answered(struct ward_task *task, int status)
{
	(void)status;
	ward_entry(task, struct item, task)->answered = 1;
}

/* ---- the generator, and all of it --------------------------------------------- */

/* Only where it is to happen: so that it happens nowhere else. */
static struct ward_policy impatient = WARD_POLICY_INIT;

static void generate(struct pipeline *p)
{
	for (int i = 0; i < ITEMS; i++) {
		struct item *item = &p->item[i];

		item->task = (struct ward_task){ .run = a,
						 .done = answered,
						 .name = "A" };
		if (i + 1 == LONG)
			item->task.policy = &impatient;
		item->pipeline = p;
		item->number = i + 1;
		if (ward_lane_submit(p->a, &item->task, WARD_FOREVER))
			exit(1);
	}
}

static struct ward_lane *stage(struct ward_pool *pool)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct ward_lane *lane;

	config.active = 1; /* one after the other */
	config.queued = 1; /* the faster one waits */
	if (ward_lane_create(&lane, pool, &config))
		exit(1);
	return lane;
}

static void show(struct ward_pool *pool, const char *title, enum remedy remedy)
{
	struct pipeline *p = &pipelines[remedy];

	p->remedy = remedy;
	p->a = stage(pool);
	p->b = stage(pool);
	generate(p);
	ward_lane_join(p->a, WARD_FOREVER);
	ward_lane_join(p->b, WARD_FOREVER);
	printf("%s: B got", title);
	for (int i = 0; i < p->n; i++)
		printf(" %d", p->got[i]);
	printf("; it refused %d; A began the third %d times\n", p->refused,
	       p->item[LONG - 1].attempts);
	ward_lane_destroy(p->a);
	ward_lane_destroy(p->b);
}

/* For the code that looks after it. */
static void tell(void *arg, const struct ward_report *report)
{
	char line[1024];

	(void)arg;
	ward_report_format(report, line, sizeof(line), false);
	fprintf(stderr, "%s\n", line);
}

int main(void)
{
	struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	impatient.blocked_within = PATIENCE;
	impatient.runs = ATTEMPTS;
	impatient.stalls = ATTEMPTS - 1;
	config.workers = 4;
	config.hooks = &hooks;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	show(pool, "no remedy", NONE);
	show(pool, "confirmed", CONFIRMED);
	show(pool, "first wins", FIRST_WINS);
	show(pool, "permission", PERMISSION);
	return ward_pool_destroy(pool, ward_in(WARD_S(10)));
}
