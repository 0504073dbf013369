/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cancel_tree - a request and its parts: one token above, one for each part.
 *
 * Each part carries a child of the request's token and says why it stopped: the
 * request was called off, the request's time was over, or it was told itself.
 * Nothing is allocated for any of that: tokens and links lie on the stack.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <ward/ward.h>

enum { PARTS = 3 };

struct part {
	struct ward_task task;
	struct ward_cancel token;
	struct ward_watch link; /* to the request's token */
	struct request *request;
	int why;
};

struct request {
	struct ward_cancel token;
	struct part part[PARTS];
	_Atomic int begun, over;
};

static const char *const name[PARTS] = { "database", "cache", "render" };

/* A call deep down, which knows nothing of requests: the token is handed on. */
static int fetch(struct ward_cancel *token)
{
	ward_cancel_wait(token, WARD_FOREVER);
	return ward_cancel_cause(token);
}

static int run(struct ward_task *task)
{
	struct part *part = ward_entry(task, struct part, task);

	part->request->begun++;
	part->why = fetch(ward_token());
	return -ECANCELED; /* asked to stop: no failure */
}

static void release(struct ward_task *task)
{
	struct part *part = ward_entry(task, struct part, task);

	ward_cancel_fini(&part->token);
	part->request->over++;
}

static void wait_for(_Atomic int *count)
{
	while (*count < PARTS)
		ward_pause(ward_in(WARD_MS(1)));
}

static void begin(struct ward_pool *pool, struct request *request)
{
	for (int i = 0; i < PARTS; i++) {
		struct part *part = &request->part[i];

		part->request = request;
		part->task.run = run;
		part->task.release = release;
		part->task.cancel = &part->token;
		part->task.name = name[i];
		ward_cancel_link(&part->token, &request->token, &part->link);
		if (ward_submit(pool, &part->task, WARD_FOREVER))
			printf("%s: refused\n", name[i]);
	}
	wait_for(&request->begun);
}

static void end(struct request *request)
{
	wait_for(&request->over);
	for (int i = 0; i < PARTS; i++)
		printf("  %s: %s\n", name[i], strerror(-request->part[i].why));
	ward_cancel_fini(&request->token);
}

int main(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.workers = PARTS;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;

	puts("the client hangs up:");
	{
		struct request request = { .begun = 0 };

		begin(pool, &request);
		ward_cancel_fire(&request.token, -ECONNRESET);
		end(&request);
	}
	puts("one part is told alone, then time is over for all:");
	{
		struct request request = { .begun = 0 };

		begin(pool, &request);
		ward_cancel_fire(&request.part[1].token, -EALREADY);
		ward_cancel_deadline(&request.token, ward_in(WARD_MS(20)));
		end(&request);
	}
	puts("a part of a request that is over:");
	{
		struct ward_cancel token = { { 0 } };
		struct part late = { .task = { .run = run, .cancel = &token } };

		ward_cancel_fire(&token, -ECONNRESET);
		printf("  submit: %s\n",
		       strerror(-ward_submit(pool, &late.task, WARD_FOREVER)));
	}
	return ward_pool_destroy(pool, ward_in(WARD_S(10)));
}
