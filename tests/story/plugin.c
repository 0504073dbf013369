/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plugin.c - what unloaded.c loads: a plugin with the library inside of it.
 */
#include <stddef.h>
#include <ward/ward.h>

static int nothing(struct ward_task *task)
{
	(void)task;
	return 0;
}

__attribute__((visibility("default"))) int plugin_run(void);

int plugin_run(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_task task = { .run = nothing };
	struct ward_pool *pool;
	int err;

	config.flags = WARD_POOL_CATCH_FAULTS;
	err = ward_pool_create(&pool, &config);
	if (!err)
		err = ward_pool_start(pool);
	if (!err)
		err = ward_submit(pool, &task, WARD_FOREVER);
	if (!err)
		err = ward_pool_drain(pool, WARD_FOREVER);
	if (!err)
		err = ward_pool_destroy(pool, WARD_FOREVER);
	return err;
}
