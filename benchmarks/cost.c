/* SPDX-License-Identifier: BSD-2-Clause */
#include "cost.h"

#include <inttypes.h>
#include <sys/resource.h>

#define WARM_TASKS UINT64_C(20000)

/* The CPU time of the process so far, the threads that have ended included. */
struct usage {
	double cpu, switches;
};

static double ns(struct timeval tv)
{
	return (double)tv.tv_sec * 1e9 + (double)tv.tv_usec * 1e3;
}

static struct usage usage_now(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (struct usage){ ns(r.ru_utime) + ns(r.ru_stime),
			       (double)(r.ru_nvcsw + r.ru_nivcsw) };
}

static bool counted_right(const struct trial *t, uint64_t made)
{
	uint64_t ran = job_counted();

	if (ran == made)
		return true;
	fprintf(stderr, "%s: %" PRIu64 " tasks went in, %" PRIu64 " ran\n",
		t->impl, made, ran);
	return false;
}

bool cost_of(struct load *load, const struct trial *t, struct cost *out)
{
	struct usage before, after;
	uint64_t wall, n, warm;

	if (!trial_load(load, t))
		return false;
	/* threads started, pages touched, rings once round */
	warm = load_run(load, WARM_TASKS, t->cap / 4, &wall);
	placement_settle(t->placement);
	before = usage_now();
	n = load_run(load, t->tasks, t->cap, &wall);
	after = usage_now();
	*out = (struct cost){ .wall = (double)wall / (double)n,
			      .cpu = (after.cpu - before.cpu) / (double)n,
			      .switches = (after.switches - before.switches) /
					  (double)n };
	return load_finish(load) && counted_right(t, warm + n);
}
