/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fanout.c - a fan-out is a lane with a bound, and a task for each call.
 */
#include "fanout.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fanout {
	struct ward_lane *lane;
	fanout_failed *failed;
	char name[16];
};

struct call {
	struct ward_task task;
	struct ward_cancel ctx;
	struct ward_watch link; /* to the caller's token */
	struct fanout *f;
	fanout_fn *fn;
	void *arg;
};

static int run(struct ward_task *task)
{
	struct call *call = ward_entry(task, struct call, task);

	return call->fn(&call->ctx, call->arg);
}

/* Once for each call, whatever became of it: a panic and a crash, too. */
static void done(struct ward_task *task, int status)
{
	struct call *call = ward_entry(task, struct call, task);

	if (status && call->f->failed)
		call->f->failed(call->f->name, status, ward_incident(task));
}

static void release(struct ward_task *task)
{
	struct call *call = ward_entry(task, struct call, task);

	ward_cancel_fini(&call->ctx);
	free(call);
}

int fanout_open(struct fanout **out, struct ward_pool *pool, const char *name,
		unsigned workers, unsigned buffer, fanout_failed *failed)
{
	struct ward_lane_config config = WARD_LANE_CONFIG_INIT;
	struct fanout *f;
	int err;

	if (!out || !pool)
		return -EINVAL;
	if (!workers || !buffer)
		return -ERANGE; /* to a lane 0 is "any number" */
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	config.name = name && *name ? name : "anonymous";
	config.active = workers;
	config.queued = buffer;
	err = ward_lane_create(&f->lane, pool, &config);
	if (err) {
		free(f);
		return err;
	}
	strcpy(f->name, config.name); /* the lane has found it short enough */
	f->failed = failed;
	*out = f;
	return 0;
}

int fanout_do(struct fanout *f, struct ward_cancel *caller, fanout_fn *fn,
	      void *arg)
{
	struct call *call;
	int err;

	if (!fn)
		return -EINVAL;
	call = calloc(1, sizeof(*call));
	if (!call)
		return -ENOMEM;
	call->task = (struct ward_task){ .run = run,
					 .done = done,
					 .release = release,
					 .cancel = &call->ctx };
	call->f = f;
	call->fn = fn;
	call->arg = arg;
	if (caller)
		ward_cancel_link(&call->ctx, caller, &call->link);
	err = ward_lane_submit(f->lane, &call->task, WARD_NOWAIT);
	if (err)
		release(&call->task);
	return err;
}

const char *fanout_name(const struct fanout *f)
{
	return f->name;
}

int fanout_close(struct fanout *f)
{
	int err = ward_lane_close(f->lane, 0);

	if (!err)
		ward_lane_join(f->lane, WARD_FOREVER);
	return err;
}

void fanout_free(struct fanout *f)
{
	ward_lane_destroy(f->lane);
	free(f);
}
