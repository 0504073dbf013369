/* SPDX-License-Identifier: BSD-2-Clause */
#include "setup.h"
#include "log.h"

/*
 * Threads of libward's have fewer signals than whoever made them, and one more, by which
 * backtraces are asked for: it stays.
 */
void *setup_start(void *arg, unsigned thread)
{
	const sigset_t *mask = arg;
	sigset_t now, both;

	(void)thread;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	sigandset(&both, &now, mask);
	pthread_sigmask(SIG_SETMASK, &both, NULL);
	return NULL;
}

static ward_ns scan_for(ward_ns budget)
{
	ward_ns scan = budget / 10;

	return scan < WARD_MS(1) ? WARD_MS(1) : scan > WARD_MS(10) ? WARD_MS(10) : scan;
}

void setup_fill(struct setup *setup, const struct settings *settings, sigset_t *mask)
{
	*setup = (struct setup){
		.config = WARD_POOL_CONFIG_INIT,
		.policy = WARD_POLICY_INIT,
		.hooks = { .start = setup_start, .report = log_report, .arg = mask },
	};
	setup->policy.blocked_within = settings->asleep;
	setup->policy.busy_within = settings->busy;
	setup->config.flags = WARD_POOL_CLAMP | WARD_POOL_NO_BATCH |
			      WARD_POOL_KEEP_PRIORITY;
	if (settings->publish)
		setup->config.flags |= WARD_POOL_PUBLISH;
	setup->config.zombies_asleep = settings->zombies;
	setup->config.scan = scan_for(settings->asleep);
	setup->config.policy = &setup->policy;
	setup->config.hooks = &setup->hooks;
	pthread_sigmask(SIG_SETMASK, NULL, mask);
}
