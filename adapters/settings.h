/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - what the environment says of a pool that is another project's, which has
 * its own names for it; docs/libuv.md says what they mean.
 */
#ifndef ADAPTERS_SETTINGS_H
#define ADAPTERS_SETTINGS_H

#include <stdbool.h>
#include <ward/base.h>

enum log_format { LOG_TEXT, LOG_JSON, LOG_NONE };

struct setting_names {
	const char *budget, *cpu_budget, *zombies, *log, *publish;
};

struct settings {
	const struct setting_names *names;
	uint32_t zombies;
	ward_ns asleep, busy;	/* the budgets */
	enum log_format format; /* of the log, and */
	const char *log;	/* its file; NULL: stderr.  The environment's memory */
	bool publish;
};

/* What makes no sense is told on stderr, and is as if it had not been said. */
void settings_read(struct settings *settings, const struct setting_names *names);

#endif
