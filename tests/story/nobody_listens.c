/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nobody_listens.c - a task fails, and nobody ever hears of it; or somebody hears
 * of it twice.
 *
 * Expected: with no done(), no report hook and no wish to be quiet, each failed attempt
 * is exactly one line on stderr, and no other line comes.  With any one of them there
 * is none.  A report that was not printed is found by its id all the same.
 */
#include "story.h"

#include <unistd.h>

static FILE *file; /* stderr goes there */
static int terminal;

static void listen_to_stderr(void)
{
	file = tmpfile();
	expect(file != NULL);
	fflush(stderr);
	terminal = dup(STDERR_FILENO);
	expect(dup2(fileno(file), STDERR_FILENO) >= 0);
}

/* Lines on stderr since then, and those of them with 'what' in them. */
static unsigned lines(const char *what, unsigned *with)
{
	char line[8192];
	unsigned n = 0;

	fflush(stderr);
	dup2(terminal, STDERR_FILENO);
	close(terminal);
	rewind(file);
	*with = 0;
	while (fgets(line, sizeof(line), file)) {
		n++;
		*with += strstr(line, what) != NULL;
	}
	fclose(file);
	return n;
}

static _Atomic uint64_t incident;

static int fails(struct ward_task *task)
{
	(void)task;
	return -EXDEV;
}

static int fails_in_words(struct ward_task *task)
{
	(void)task;
	return ward_fail(-EXDEV, "in words");
}

static int raises(struct ward_task *task)
{
	(void)task;
	ward_raise(-EXDEV, "in words");
}

static void hears(struct ward_task *task, int status)
{
	(void)task;
	expect_equal(status, -EXDEV);
}

static void gives_back(struct ward_task *task)
{
	store_relaxed(&incident, ward_incident(task));
}

static void hook(void *arg, const struct ward_report *report)
{
	expect_equal(report->err, -EXDEV);
	add_relaxed((_Atomic uint32_t *)arg, 1);
}

static void found(uint64_t id)
{
	char line[8192], number[32];

	snprintf(number, sizeof(number), " #%llu error: ",
		 (unsigned long long)id);
	expect(ward_report_find(id, line, sizeof(line), false) > 0);
	expect(strstr(line, number) != NULL);
	expect(strstr(line, "err=-18") != NULL);
}

/* One task, by itself; how many lines, and all of them are about it. */
static void tell(struct ward_task task, const struct ward_hooks *hooks,
		 unsigned wanted)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;
	unsigned n, with;

	config.workers = 1;
	config.name = "deaf";
	config.hooks = hooks;
	listen_to_stderr();
	expect_equal(ward_pool_create(&pool, &config), 0);
	expect_equal(ward_pool_start(pool), 0);
	expect_equal(ward_submit(pool, &task, WARD_FOREVER), 0);
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	expect_equal(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	n = lines(" error: ", &with);
	expect_equal(with, wanted);
	expect_equal(n, wanted);
}

int main(void)
{
	static const struct ward_policy quiet = {
		.size = sizeof(quiet), .flags = WARD_POLICY_QUIET
	};
	int (*const how[])(struct ward_task *) = { fails, fails_in_words,
						   raises };
	_Atomic uint32_t hooked = 0;
	struct ward_hooks hooks = { .report = hook, .arg = &hooked };

	for (unsigned i = 0; i < 3; i++) {
		struct ward_task task = WARD_TASK_INIT(how[i]);

		task.release = gives_back;
		tell(task, NULL, 1);
		found(load_relaxed(&incident));
		task.done = hears;
		tell(task, NULL, 0);
		found(load_relaxed(&incident));
		task.done = NULL;
		tell(task, &hooks, 0);
		expect_equal(load_relaxed(&hooked), i + 1);
		task.policy = &quiet;
		tell(task, NULL, 0);
	}
	return 0;
}
