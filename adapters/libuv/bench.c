/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench - one row of the table: a request again and again, some under way at once.
 *
 *	bench stat|work FLIGHT SECONDS
 *
 * Prints ns of wall time, and of CPU of the whole process, for each request.  Which
 * libuv it is that the loader finds decides who is measured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum { FLIGHT_MAX = 1024, WARM_UP = 200 /* ms */ };

static union {
	uv_fs_t fs;
	uv_work_t work;
} request[FLIGHT_MAX];
static void (*again)(unsigned i);
static unsigned long answers;
static int over;

static void answered(unsigned i)
{
	answers++;
	if (!over)
		again(i);
}

static void stat_done(uv_fs_t *fs)
{
	if (fs->result < 0)
		abort();
	uv_fs_req_cleanup(fs);
	answered((unsigned)(uintptr_t)fs->data);
}

static void stat_again(unsigned i)
{
	request[i].fs.data = (void *)(uintptr_t)i;
	if (uv_fs_stat(uv_default_loop(), &request[i].fs, "/", stat_done))
		abort();
}

static void nothing(uv_work_t *work)
{
	(void)work;
}

static void work_done(uv_work_t *work, int status)
{
	if (status)
		abort();
	answered((unsigned)(uintptr_t)work->data);
}

static void work_again(unsigned i)
{
	request[i].work.data = (void *)(uintptr_t)i;
	if (uv_queue_work(uv_default_loop(), &request[i].work, nothing, work_done))
		abort();
}

static double cpu(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

static struct {
	unsigned long answers;
	uint64_t wall;
	double cpu;
} begun;

static void begin(uv_timer_t *timer)
{
	(void)timer;
	begun.answers = answers;
	begun.wall = uv_hrtime();
	begun.cpu = cpu();
}

static void end(uv_timer_t *timer)
{
	double n = (double)(answers - begun.answers);

	(void)timer;
	printf("%.1f %.1f\n", (double)(uv_hrtime() - begun.wall) / n,
	       (cpu() - begun.cpu) / n);
	over = 1;
}

int main(int argc, char **argv)
{
	uv_timer_t warm, last;
	unsigned flight;
	double seconds;

	if (argc != 4)
		return 2;
	again = strcmp(argv[1], "stat") ? work_again : stat_again;
	flight = (unsigned)atoi(argv[2]);
	seconds = atof(argv[3]);
	if (flight < 1 || flight > FLIGHT_MAX)
		return 2;
	uv_timer_init(uv_default_loop(), &warm);
	uv_timer_init(uv_default_loop(), &last);
	uv_timer_start(&warm, begin, WARM_UP, 0);
	uv_timer_start(&last, end, WARM_UP + (uint64_t)(seconds * 1000), 0);
	for (unsigned i = 0; i < flight; i++)
		again(i);
	return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
