/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * degraded.c - a service that hands over to a new process when its pool is degraded.
 *
 * Requests that hang keep their threads, and a pool has only so many to lose.  It says
 * so: then this process takes no more, starts another in its place, gives what still
 * runs a moment to end, and goes.  Requests that hang end with it: nothing else could
 * end them.
 *
 * A real service would hand its listening socket on (it survives exec), or let its
 * service manager start it anew, as with WatchdogSec= (ward/steward.h).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ward/ward.h>

/* Set by the hook, on a thread of the pool's; slept on by main(). */
static struct ward_cancel degraded;

static void report(void *arg, const struct ward_report *r)
{
	(void)arg;
	if (r->kind == WARD_R_DEGRADED)
		ward_cancel_fire(&degraded, -EAGAIN);
}

static int hangs(struct ward_task *task)
{
	while (task)
		pause();
	return 0;
}

/* 0: it has to be handed over. */
static int serve(struct ward_pool *pool, bool healthy)
{
	static struct ward_task request[3];

	for (int i = 0; i < 3 && !healthy; i++) {
		request[i].run = hangs;
		if (ward_submit(pool, &request[i], WARD_NOWAIT))
			return -ENOMEM;
	}
	/* The successor has nothing to wait for in this example. */
	return ward_cancel_wait(&degraded, ward_in(healthy ? 0 : WARD_S(30)));
}

int main(int argc, char **argv)
{
	bool healthy = argc > 1; /* the second one, without a bad client */
	struct ward_hooks hooks = { .report = report };
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;
	int left;

	ward_cancel_init(&degraded);
	policy.blocked_within = WARD_MS(100);
	config.policy = &policy;
	config.hooks = &hooks;
	config.workers = 2;
	config.zombies_asleep = 2; /* how many of these we can afford */
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	printf("%s: serving\n", healthy ? "second" : "first");
	fflush(stdout);
	if (serve(pool, healthy)) {
		ward_pool_destroy(pool, ward_in(WARD_S(1)));
		return !healthy;
	}
	printf("first: degraded; another takes over\n");
	fflush(stdout);
	if (fork() == 0) {
		execl(argv[0], argv[0], "again", (char *)NULL);
		_exit(127);
	}
	wait(NULL); /* so that the lines of this example come in order */
	left = ward_pool_destroy(pool, ward_in(WARD_MS(100)));
	printf("first: leaves %s behind\n", left ? "some threads" : "nothing");
	fflush(stdout);
	_exit(0); /* not exit(): they run until the process ends */
}
