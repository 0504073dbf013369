/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error_report - one error, told to two people.
 *
 * Three modules stand on each other.  The lowest knows what failed, and says so to the
 * person that mends it (ward_fail).  The one above knows what that means to the user,
 * and says so at its edge (ward_wrap): the error is known now.  Where a module forgets
 * this, the raw error comes through: that is a bug, and the user is told no more than a
 * number, under which the log has all of it.
 *
 * After "Error Propagation" in "Concurrency in Go" (K. Cox-Buday, 2017).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <ward/ward.h>

/* ---- the disk: what failed ------------------------------------------------------ */

static int disk_is_program(const char *path, bool *is)
{
	struct stat file;

	if (stat(path, &file))
		return ward_fail(-errno, "stat %s: %s", path, strerror(errno));
	*is = file.st_mode & S_IXUSR;
	return 0;
}

/* ---- jobs: what that means ------------------------------------------------------ */

static int job_run(const char *name, const char *path)
{
	bool is = false;
	int err = disk_is_program(path, &is);

	if (err)
		return ward_wrap(ward_failure(), err,
				 "The job \"%s\" cannot be run: "
				 "its program is missing.",
				 name);
	if (!is) /* nothing failed below: there is no cause */
		return ward_wrap(0, -EACCES,
				 "The job \"%s\" cannot be run: "
				 "you may not run its program.",
				 name);
	return 0;
}

/* Here somebody forgot the edge. */
static int job_remove(const char *path)
{
	bool is;

	return disk_is_program(path, &is);
}

/* ---- the program: what is asked for --------------------------------------------- */

static int run_backup(struct ward_task *task)
{
	(void)task;
	return job_run("backup", "/no/such/program");
}

static int run_null(struct ward_task *task)
{
	(void)task;
	return job_run("null", "/dev/null");
}

static int remove_backup(struct ward_task *task)
{
	(void)task;
	return job_remove("/no/such/program");
}

static struct request {
	struct ward_task task;
	uint64_t report; /* its last one */
	char user[300];
} requests[] = {
	{ .task = { .run = run_backup, .name = "run backup" } },
	{ .task = { .run = run_null, .name = "run null" } },
	{ .task = { .run = remove_backup, .name = "remove backup" } },
};
enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

static void release(struct ward_task *task)
{
	ward_entry(task, struct request, task)->report = ward_incident(task);
}

/* On one thread, one after the other: the last one of a task is the outermost. */
static void told(void *arg, const struct ward_report *report)
{
	(void)arg;
	for (int i = 0; i < REQUESTS; i++)
		if (strcmp(report->task, requests[i].task.name) == 0 &&
		    report->kind == WARD_R_ERROR)
			snprintf(requests[i].user, sizeof(requests[i].user),
				 "%s", report->user);
}

/* The log's line under a number; where it was and when goes to stderr. */
static void look_up(uint64_t id)
{
	char line[4096], *cause, *rest;
	unsigned long long next;

	if (ward_report_find(id, line, sizeof(line), false) < 0) {
		printf("  log: nothing under #%llu\n", (unsigned long long)id);
		return;
	}
	fprintf(stderr, "%s\n", line);
	rest = strstr(line, " pool=");
	cause = strstr(line, " cause=");
	if (rest)
		*rest = '\0';
	printf("  log: %s\n", strchr(line, '#'));
	if (cause && sscanf(cause, " cause=%llu", &next) == 1)
		look_up(next);
}

int main(void)
{
	struct ward_hooks hooks = { .report = told };
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;

	config.workers = 1;
	config.hooks = &hooks;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	for (int i = 0; i < REQUESTS; i++) {
		requests[i].task.release = release;
		if (ward_submit(pool, &requests[i].task, WARD_FOREVER))
			return 1;
	}
	if (ward_pool_drain(pool, WARD_FOREVER) ||
	    ward_pool_destroy(pool, WARD_FOREVER))
		return 1;

	/* The pool is gone, and all was told.  The numbers are still good. */
	for (int i = 0; i < REQUESTS; i++) {
		printf("%s\n  user: %s\n", requests[i].task.name,
		       requests[i].user);
		look_up(requests[i].report);
	}
	return 0;
}
