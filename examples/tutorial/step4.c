/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

static const struct ward_policy patient = {
	.size = sizeof(patient),
	.errors = 4, /* it runs again, up to four times, */
	.backoff_min = WARD_MS(1), /* after up to 1 ms, 2 ms, 4 ms, 8 ms */
};

static int fetch(struct ward_task *task)
{
	if (ward_self()->attempt < 3)
		return ward_fail(-ECONNREFUSED, "%s: no answer", task->name);
	return 0;
}

static int parse(struct ward_task *task)
{
	(void)task;
	ward_raise(-EBADMSG, "line 7 has no end"); /* from any depth */
}

static void done(struct ward_task *task, int status)
{
	printf("%s: %s\n", task->name, status ? strerror(-status) : "fine");
}

/* Dead letters: before done(), for what failed for good. */
static void dead(void *arg, struct ward_task *task, const struct ward_report *why)
{
	(void)arg;
	printf("%s: given up after attempt %u\n", task->name, why->attempt);
}

/* Every report, one at a time, on a thread of its own: your log. */
static void report(void *arg, const struct ward_report *r)
{
	(void)arg;
	fprintf(stderr, "#%llu %s of %s: %s\n", (unsigned long long)r->id,
		ward_kind_name(r->kind), r->task, r->message);
}

int main(void)
{
	struct ward_hooks hooks = { .report = report, .dead = dead };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_task tasks[] = {
		{ parse, done, .name = "parse" },
		{ fetch, done, .policy = &patient, .name = "fetch" },
	};
	struct ward_pool *pool;

	config.hooks = &hooks;
	config.workers = 1;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	for (int i = 0; i < 2; i++)
		if (ward_submit(pool, &tasks[i], WARD_NOWAIT))
			return 1;
	ward_pool_drain(pool, WARD_FOREVER);
	return ward_pool_destroy(pool, WARD_FOREVER);
}
