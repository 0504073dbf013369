/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool.h - the pool as this server wants it: made, told of, ended.
 */
#ifndef HTTPD_POOL_H
#define HTTPD_POOL_H

#include "options.h"

#include <ward/ward.h>

/* A pool, started.  0 or a negative errno value. */
int pool_open(struct ward_pool **pool, const struct options *options);

/*
 * Before the end: waits a moment for the last releases if 'wait', audits the
 * pool's books and says what it found.  True: they are in order.
 */
bool pool_settle(struct ward_pool *pool, bool wait);

#endif
