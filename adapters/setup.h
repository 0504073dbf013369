/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * setup.h - the configuration of a pool whose threads are to be as another project's:
 * with the signals of the thread that made them, and as patient as the settings say.
 */
#ifndef ADAPTERS_SETUP_H
#define ADAPTERS_SETUP_H

#include "settings.h"
#include <signal.h>
#include <ward/pool.h>

struct setup {
	struct ward_pool_config config;
	struct ward_policy policy;
	struct ward_hooks hooks;
};

/* config points into the rest; 'mask', the caller's, must outlive the pool. */
void setup_fill(struct setup *setup, const struct settings *settings, sigset_t *mask);

/* The start hook; arg is 'mask'. */
void *setup_start(void *arg, unsigned thread);

#endif
