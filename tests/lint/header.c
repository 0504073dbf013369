/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * header.c - uses every initialiser and inline function of the public header;
 * header.sh compiles it as each C and C++ that the header promises.
 */
#include <ward/ward.h>

#ifdef __cplusplus
extern "C" {
#endif
struct job {
	int result;
	struct ward_task task;
};

static int run(struct ward_task *task)
{
	ward_beat();
	ward_progress(1);
	ward_entry(task, struct job, task)->result = ward_check();
	return 0;
}
#ifdef __cplusplus
}
#endif

struct sum {
	double of;
	unsigned n;
};

WARD_FORKABLE(struct sum, add, unsigned, n)
{
	struct add_part left;
	struct sum sum = { 1.0 / (n + 1), 1 }, other;

	if (n == 0)
		return sum;
	add_fork(&left, n - 1);
	sum = add(n / 2);
	other = add_join(&left);
	sum.of += other.of;
	sum.n += left.error ? 0 : other.n;
	return sum;
}

static struct ward_task fixed = WARD_TASK_INIT(run);

int main(void)
{
	struct ward_task task = WARD_TASK_INIT(run);
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_stats stats = WARD_STATS_INIT;
	struct ward_audit audit = WARD_AUDIT_INIT;
	struct ward_pool *pool;

	policy.busy_within = WARD_MS(500);
	config.policy = &policy;
	if (stats.size != sizeof(stats) || audit.size != sizeof(audit) ||
	    policy.size != sizeof(policy) || config.size != sizeof(config))
		return 1;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 2;
	if (ward_submit(pool, &task, WARD_NOWAIT) ||
	    ward_submit(pool, &fixed, ward_in(WARD_S(10))))
		return 3;
	if (add(3).n != 6) /* 1, 2, 4, 6 by n */
		return 5;
	if (ward_pool_drain(pool, WARD_FOREVER) ||
	    ward_pool_stats(pool, &stats) || stats.answered != 2)
		return 4;
	return ward_pool_destroy(pool, ward_in(WARD_S(10)));
}
