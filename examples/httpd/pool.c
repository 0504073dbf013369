/* SPDX-License-Identifier: BSD-2-Clause */
#include "pool.h"

#include <errno.h>
#include <stdio.h>

/* One line for each report, on the scribe thread. */
static void print_report(void *arg, const struct ward_report *report)
{
	const struct options *options = arg;
	char line[8192];

	if (ward_report_format(report, line, sizeof(line),
			       options->json_reports) > 0)
		fprintf(stderr, "%s\n", line);
}

int pool_open(struct ward_pool **pool, const struct options *options)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_policy policy = WARD_POLICY_INIT;
	struct ward_hooks hooks = {
		.report = print_report,
		.arg = (void *)(uintptr_t)options,
	};
	int err;

	policy.busy_within = WARD_MS(options->busy_ms);
	policy.blocked_within = WARD_MS(options->blocked_ms);
	/* Where a service manager listens; and wardtop shows it. */
	config.flags = WARD_POOL_NOTIFY | WARD_POOL_PUBLISH;
	config.name = "httpd";
	config.workers = options->workers;
	config.zombies = options->zombies;
	config.ring = options->ring;
	config.scan = WARD_MS(options->scan_ms);
	config.policy = &policy;
	config.hooks = &hooks;
	err = ward_pool_create(pool, &config);
	if (err)
		return err;
	err = ward_pool_start(*pool);
	if (err)
		ward_pool_destroy(*pool, WARD_FOREVER);
	return err;
}

bool pool_settle(struct ward_pool *pool, bool wait)
{
	struct ward_audit audit = WARD_AUDIT_INIT;
	int err;

	if (wait)
		ward_pool_drain(pool, ward_in(WARD_S(1)));
	err = ward_audit(pool, &audit);
	if (err)
		printf("httpd: audit broken: %s\n",
		       err == -EUCLEAN ? audit.first : "not done");
	else
		printf("httpd: audit ok (checked %#x)\n", audit.checked);
	return !err;
}
