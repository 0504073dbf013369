/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * settings.h - what the environment says of the pool; docs/libuv.md has it.
 */
#ifndef UV_WARD_SETTINGS_H
#define UV_WARD_SETTINGS_H

#include <stdbool.h>
#include <ward/base.h>

enum log_format { LOG_TEXT, LOG_JSON, LOG_NONE };

struct settings {
	uint32_t threads;   /* UV_THREADPOOL_SIZE */
	uint32_t zombies;   /* UV_WARD_ZOMBIES */
	ward_ns asleep;	    /* UV_WARD_BUDGET */
	ward_ns busy;	    /* UV_WARD_CPU_BUDGET */
	enum log_format format; /* UV_WARD_LOG, and */
	const char *log;	/* its file; NULL: stderr.  The environment's memory */
	bool publish;		/* UV_WARD_PUBLISH */
};

/* What makes no sense is told on stderr, and is as if it had not been said. */
void settings_read(struct settings *settings);

#endif
