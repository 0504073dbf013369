/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rate_limit - a client of somebody's API that keeps to all its limits at a time.
 *
 * The API takes 2 calls a second and 10 a minute; our disk is to be read once a
 * second, the network to be used 3 times a second.  20 requests at once: 10 read a
 * file (disk and API), 10 resolve an address (network and API).  Each takes a token
 * from each of its limits, or from none, and goes on when all of them are due.
 *
 * Then the grants are checked against every limit, by the time at which each of the
 * requests went on.  A second takes 25 ms here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

#define SECOND 0.025
enum { EACH = 10, REQUESTS = 2 * EACH };

static struct rule {
	const char *name;
	double tokens, seconds;
	struct ward_limit limit;
} per_second = { "API calls per second", 2, 1, { { 0 } } },
  per_minute = { "API calls per minute", 10, 60, { { 0 } } },
  disk = { "disk reads per second", 1, 1, { { 0 } } },
  network = { "uses of the network per second", 3, 1, { { 0 } } };

/* A draw from per_second is one from per_minute, too: see main(). */
static struct ward_limit *const read_file[] = { &disk.limit,
						&per_second.limit };
static struct ward_limit *const resolve[] = { &network.limit,
					      &per_second.limit };

static struct request {
	struct ward_task task;
	struct ward_limit *const *limits;
	int said;
	ward_ns granted;
} request[REQUESTS];

static int run(struct ward_task *task)
{
	struct request *r = ward_entry(task, struct request, task);

	r->said = ward_limit_take(r->limits, 2, 1, WARD_FOREVER, NULL);
	r->granted = ward_now();
	return r->said; /* here it would read, or resolve, and call */
}

static int by_time(const void *a, const void *b)
{
	const ward_ns *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Tokens that the rule has had, at most, since the start. */
static double allowed(const struct rule *rule, ward_ns start, ward_ns now)
{
	double seconds = (double)(now - start) / 1e9 / SECOND;

	return rule->tokens + rule->tokens / rule->seconds * seconds;
}

/*
 * Of whichever requests 'limits' are, or of all.  A request may look at the clock
 * late, but not early: so each count from the start must be allowed by then.
 */
static void judge(const struct rule *rule, ward_ns start,
		  struct ward_limit *const *limits)
{
	ward_ns granted[REQUESTS];
	int n = 0, within = 0;

	for (int i = 0; i < REQUESTS; i++)
		if (request[i].said == 0 &&
		    (!limits || request[i].limits == limits))
			granted[n++] = request[i].granted;
	qsort(granted, n, sizeof(*granted), by_time);
	for (int i = 0; i < n; i++)
		within += i + 1 <= allowed(rule, start, granted[i]);
	printf("%g %s: %d granted, %d within the limit\n", rule->tokens,
	       rule->name, n, within);
}

static int make(struct rule *rule)
{
	return ward_limit_init(&rule->limit,
			       rule->tokens / rule->seconds / SECOND,
			       (uint32_t)rule->tokens);
}

int main(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;
	ward_ns start = ward_now();

	if (make(&per_second) || make(&per_minute) || make(&disk) ||
	    make(&network) ||
	    ward_limit_under(&per_second.limit, &per_minute.limit))
		return 1;
	config.workers = REQUESTS;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	printf("for long, %.0f a minute: the strictest of them all\n",
	       ward_limit_strictest(read_file, 2) * SECOND * 60);
	printf("11 at once: %s\n",
	       strerror(
		       -ward_limit_take(read_file, 2, 11, WARD_FOREVER, NULL)));
	for (int i = 0; i < REQUESTS; i++) {
		request[i].task = (struct ward_task)WARD_TASK_INIT(run);
		request[i].limits = i % 2 ? resolve : read_file;
		if (ward_submit(pool, &request[i].task, WARD_FOREVER))
			return 1;
	}
	ward_pool_drain(pool, WARD_FOREVER);
	judge(&per_second, start, NULL);
	judge(&per_minute, start, NULL);
	judge(&disk, start, read_file);
	judge(&network, start, resolve);
	return ward_pool_destroy(pool, ward_in(WARD_S(10)));
}
