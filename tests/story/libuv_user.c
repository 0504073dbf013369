/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libuv_user - a program on libuv, which libuv.sh runs on libuv's own pool and on ours.
 *
 *	libuv_user STORY [FOLDER]
 *
 * It ends with 0, or with 1 and what is not as it should be.
 */
#include "expect.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

enum { THREADS = 4, MANY = 100000, LOOPS = 2000 };

static const char *folder;
static uv_loop_t *loop;
static _Thread_local int is_loops; /* this thread is a loop's */
static _Atomic int by_loops;	   /* requests that a loop's thread has worked at */

static const char *file(unsigned i)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%u", folder, i);
	return path;
}

static void run(void)
{
	uv_run(loop, UV_RUN_DEFAULT);
}

/* ---- counts that threads wait for ---------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static int add(_Atomic int *count, int n)
{
	int now;

	pthread_mutex_lock(&lock);
	now = *count += n;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return now;
}

static void until(const _Atomic int *count, int least)
{
	pthread_mutex_lock(&lock);
	while (*count < least)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* ---- threads in read() ------------------------------------------------------------ */

static struct {
	uv_fs_t read;
	char byte;
	uv_buf_t buffer;
	int pipe;
} hung[THREADS];
static int late;

static void came_home(uv_fs_t *read)
{
	unsigned i = (unsigned)(uintptr_t)read->data;

	EXPECT(read->result == 1 && hung[i].byte == (char)('a' + i));
	uv_fs_req_cleanup(read);
	late++;
}

static _Atomic int reading;

/* libuv's own calls of it come here. */
#pragma GCC visibility push(default)
ssize_t read(int fd, void *to, size_t length)
{
	for (int i = 0; i < THREADS; i++)
		if (hung[i].pipe && fd == hung[i].pipe)
			add(&reading, 1);
	return syscall(SYS_read, fd, to, length);
}
#pragma GCC visibility pop

static void hang(void)
{
	for (unsigned i = 0; i < THREADS; i++) {
		EXPECT(!mkfifo(file(i), 0600));
		hung[i].pipe = open(file(i), O_RDWR | O_CLOEXEC);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		hung[i].buffer = uv_buf_init(&hung[i].byte, 1);
		hung[i].read.data = (void *)(uintptr_t)i;
		EXPECT(!uv_fs_read(loop, &hung[i].read, hung[i].pipe, &hung[i].buffer, 1,
				   -1, came_home));
	}
	until(&reading, THREADS);
}

/* ---- what else is asked ------------------------------------------------------------ */

static int answers;
static uv_fs_t asked_stat;
static uv_getaddrinfo_t asked_name;
static uv_work_t asked_work;
static _Atomic int worked;

static void stat_done(uv_fs_t *stat)
{
	EXPECT(stat->result == 0 && S_ISDIR(stat->statbuf.st_mode));
	uv_fs_req_cleanup(stat);
	answers++;
}

static void name_done(uv_getaddrinfo_t *name, int status, struct addrinfo *found)
{
	(void)name;
	EXPECT(status == 0 && found);
	uv_freeaddrinfo(found);
	answers++;
}

static void work(uv_work_t *request)
{
	(void)request;
	worked++;
	by_loops += is_loops;
}

static void work_done(uv_work_t *request, int status)
{
	(void)request;
	EXPECT(status == 0 && worked > 0);
	answers++;
}

static void ask(void)
{
	EXPECT(!uv_fs_stat(loop, &asked_stat, "/", stat_done));
	EXPECT(!uv_getaddrinfo(loop, &asked_name, name_done, "127.0.0.1", NULL, NULL));
	EXPECT(!uv_queue_work(loop, &asked_work, work, work_done));
}

static void until_answered(void)
{
	while (answers < 3)
		uv_run(loop, UV_RUN_ONCE);
}

/* Four threads hang; all else is answered; then they come home, and are answered, too. */
static void healed(void)
{
	hang();
	ask();
	until_answered();
	EXPECT(late == 0);
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT(write(hung[i].pipe, &(char){ (char)('a' + i) }, 1) == 1);
	run();
	EXPECT(late == THREADS);
}

static void too_late(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, NULL);
	EXPECT(answers == 0);
	puts("no answer");
	fflush(stdout);
	exit(0);
}

/* The same on libuv's own pool: neither answers, nor an end. */
static void stock(void)
{
	uv_timer_t timer;

	hang();
	ask();
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, too_late, 1000, 0);
	run();
}

/* It ends though threads hang, whether they were convicted or are yet to be. */
static void ends(void)
{
	hang();
	exit(0);
}

static void ends_healed(void)
{
	hang();
	ask();
	until_answered();
	exit(0);
}

/* ---- cancel ------------------------------------------------------------------------ */

static int cancels;

static void was_cancelled(uv_fs_t *stat)
{
	EXPECT(stat->result == UV_ECANCELED);
	uv_fs_req_cleanup(stat);
	cancels++;
}

static void work_cancelled(uv_work_t *request, int status)
{
	(void)request;
	EXPECT(status == UV_ECANCELED && worked == 0);
	cancels++;
}

/* What waits is cancelled at once, what hangs is not; and never after its end. */
static void cancel(void)
{
	uv_fs_t stats[10];
	uv_work_t last;

	hang();
	for (int i = 0; i < 10; i++)
		EXPECT(!uv_fs_stat(loop, &stats[i], "/", was_cancelled));
	EXPECT(!uv_queue_work(loop, &last, work, work_cancelled));
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT(uv_cancel((uv_req_t *)&hung[i].read) == UV_EBUSY);
	for (int i = 0; i < 10; i++)
		EXPECT(!uv_cancel((uv_req_t *)&stats[i]));
	EXPECT(!uv_cancel((uv_req_t *)&last));
	while (cancels < 11)
		uv_run(loop, UV_RUN_ONCE);
	for (unsigned i = 0; i < THREADS; i++)
		EXPECT(write(hung[i].pipe, &(char){ (char)('a' + i) }, 1) == 1);
	run();
	EXPECT(late == THREADS);
	ask();
	run();
	EXPECT(answers == 3 && uv_cancel((uv_req_t *)&asked_work) == UV_EBUSY);
}

/* ---- threads ------------------------------------------------------------------------ */

static _Atomic int inside, most, may_go;

static void meet(void)
{
	int now = add(&inside, 1), seen = atomic_load(&most);

	while (seen < now && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	until(&may_go, 1);
	add(&inside, -1);
}

static void write_file(unsigned i)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%u", folder, i);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && write(fd, "x", 1) == 1 && !close(fd));
}

/* libuv's own calls of these come here. */
#pragma GCC visibility push(default)
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	(void)node;
	(void)service;
	(void)hints;
	if (folder && !strcmp(folder, "widths"))
		meet();
	if (node && !strncmp(node, "file", 4))
		write_file((unsigned)atoi(node + 4));
	*found = calloc(1, sizeof(**found));
	return *found ? 0 : EAI_MEMORY;
}

void freeaddrinfo(struct addrinfo *found)
{
	free(found);
}
#pragma GCC visibility pop

static void named(uv_getaddrinfo_t *name, int status, struct addrinfo *found)
{
	name_done(name, status, found);
}

static _Atomic int beside;

/* With so many of these at work no thread is left for one more of the others. */
static void meet_half(uv_work_t *request)
{
	(void)request;
	until(&inside, THREADS / 2);
	add(&beside, 1);
	until(&beside, THREADS / 2);
	add(&may_go, 1);
}

/* Half of the threads, at most, are in what may wait for long; others go on beside. */
static void widths(void)
{
	static uv_getaddrinfo_t names[3 * THREADS];
	static uv_work_t others[THREADS / 2];

	folder = "widths";
	for (int i = 0; i < 3 * THREADS; i++)
		EXPECT(!uv_getaddrinfo(loop, &names[i], named, "x", NULL, NULL));
	for (int i = 0; i < THREADS / 2; i++)
		EXPECT(!uv_queue_work(loop, &others[i], meet_half, NULL));
	run();
	EXPECT(answers == 3 * THREADS && atomic_load(&most) == THREADS / 2);
}

static uv_async_t all_met;

static void go_on(uv_async_t *async)
{
	EXPECT(worked == 0);
	uv_close((uv_handle_t *)async, NULL);
	add(&may_go, 1);
}

static void meet_one(uv_work_t *request)
{
	(void)request;
	if (add(&inside, 1) == THREADS)
		uv_async_send(&all_met);
	until(&may_go, 1);
}

static void counted(uv_work_t *request, int status)
{
	(void)request;
	EXPECT(status == 0);
	answers++;
}

/* What was asked first begins first, so that nothing begins beside those that wait. */
static void order(void)
{
	static uv_work_t first[THREADS], next[100];

	EXPECT(!uv_async_init(loop, &all_met, go_on));
	for (int i = 0; i < THREADS; i++)
		EXPECT(!uv_queue_work(loop, &first[i], meet_one, NULL));
	for (int i = 0; i < 100; i++)
		EXPECT(!uv_queue_work(loop, &next[i], work, counted));
	run();
	EXPECT(answers == 100);
}

static int wanted;

static void meet_all(uv_work_t *request)
{
	(void)request;
	add(&inside, 1);
	until(&inside, wanted);
}

/* As many threads as were asked for, all at work at once. */
static void many(void)
{
	uv_work_t *requests;

	wanted = atoi(getenv("UV_THREADPOOL_SIZE"));
	requests = calloc((size_t)wanted, sizeof(*requests));
	for (int i = 0; i < wanted; i++)
		EXPECT(!uv_queue_work(loop, &requests[i], meet_all, counted));
	run();
	EXPECT(answers == wanted);
	free(requests);
}

static void look_around(uv_work_t *request)
{
	struct rlimit limit;
	pthread_attr_t attr;
	sigset_t mask;
	size_t stack;

	(void)request;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (int signo = 1; signo < SIGRTMIN; signo++)
		EXPECT(sigismember(&mask, signo) == (signo == SIGUSR2));
	getrlimit(RLIMIT_STACK, &limit);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &stack);
	pthread_attr_destroy(&attr);
	EXPECT(limit.rlim_cur == RLIM_INFINITY || stack >= limit.rlim_cur);
}

/* A thread starts with the first request; it has its maker's signals, and stack enough. */
static void threads(void)
{
	uv_work_t request;
	sigset_t mask;
	struct stat tasks;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	EXPECT(!stat("/proc/self/task", &tasks) && tasks.st_nlink == 3);
	EXPECT(!uv_queue_work(loop, &request, look_around, counted));
	run();
	EXPECT(answers == 1);
}

/* ---- ends, of all kinds ------------------------------------------------------------- */

static void open_gate(void)
{
	add(&may_go, 1);
}

static void work_at_file(uv_work_t *request)
{
	until(&may_go, 1);
	write_file((unsigned)(uintptr_t)request->data);
}

/* What was asked for, and has not yet been done, is done before the process ends, */
static void flushes(void)
{
	static uv_work_t requests[100];

	EXPECT(!atexit(open_gate));
	for (unsigned i = 0; i < 100; i++) {
		requests[i].data = (void *)(uintptr_t)i;
		EXPECT(!uv_queue_work(loop, &requests[i], work_at_file, NULL));
	}
	exit(0);
}

/* also beside threads that hang. */
static void flushes_healed(void)
{
	static uv_getaddrinfo_t names[100];
	char name[20];

	hang();
	for (unsigned i = THREADS; i < 100; i++) {
		snprintf(name, sizeof(name), "file%u", i);
		EXPECT(!uv_getaddrinfo(loop, &names[i], named, name, NULL, NULL));
	}
	exit(0);
}

static void exit_here(uv_work_t *request)
{
	(void)request;
	exit(0);
}

/* A request ends the process, while others hang. */
static void ends_inside(void)
{
	uv_work_t request;

	hang();
	EXPECT(!uv_queue_work(loop, &request, exit_here, NULL));
	run();
}

/* After it the pool has ended: whoever still asks does it. */
static void shuts(void)
{
	ask();
	run();
	uv_library_shutdown();
	answers = by_loops = 0;
	ask();
	run();
	EXPECT(answers == 3 && by_loops == 1);
}

static void spin(uv_work_t *request)
{
	(void)request;
	add(&inside, 1);
	while (!atomic_load(&may_go))
		;
}

/* What keeps its CPU is made up for, too. */
static void spins(void)
{
	static uv_work_t spinners[THREADS];

	for (int i = 0; i < THREADS; i++)
		EXPECT(!uv_queue_work(loop, &spinners[i], spin, NULL));
	until(&inside, THREADS);
	ask();
	until_answered();
	atomic_store(&may_go, 1);
	run();
}

static void leave(uv_work_t *request)
{
	(void)request;
	pthread_exit(NULL);
}

static void left(uv_work_t *request, int status)
{
	(void)request;
	EXPECT(status == UV_ECANCELED);
	answers++;
}

/* A thread that ends in a request: that is answered, and another takes its place. */
static void dies(void)
{
	static uv_work_t requests[3 * THREADS];

	for (int i = 0; i < 3 * THREADS; i++)
		EXPECT(!uv_queue_work(loop, &requests[i], leave, left));
	run();
	EXPECT(answers == 3 * THREADS);
	answers = 0;
	ask();
	run();
	EXPECT(answers == 3);
}

static void in_child(void)
{
	EXPECT(!uv_loop_fork(loop));
	memset(&asked_stat, 0, sizeof(asked_stat));
	answers = worked = 0;
	ask();
	until_answered();
	EXPECT(by_loops == 0);
	exit(0);
}

/* A child has a pool of its own, and ends, though the parent's threads hang. */
static void forks(void)
{
	int status;
	pid_t child;

	hang();
	child = fork();
	EXPECT(child >= 0);
	if (child == 0)
		in_child();
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	ask();
	until_answered();
	exit(0);
}

static int cancels_won;

static void storm_done(uv_work_t *request, int status)
{
	(void)request;
	EXPECT(status == 0 || status == UV_ECANCELED);
	cancels += status != 0;
	answers++;
}

/* More than there is room for in any ring, asked for at once, and some not wanted. */
static void storm(void)
{
	uv_work_t *requests = calloc(MANY, sizeof(*requests));

	for (int i = 0; i < MANY; i++)
		EXPECT(!uv_queue_work(loop, &requests[i], work, storm_done));
	for (int i = 0; i < MANY; i += 7)
		cancels_won += !uv_cancel((uv_req_t *)&requests[i]);
	run();
	EXPECT(answers == MANY && cancels == cancels_won && by_loops == 0);
	free(requests);
}

struct asker {
	uv_loop_t loop;
	uv_work_t request[8];
	int left;
};

static void again(uv_work_t *request, int status)
{
	struct asker *asker = request->data;

	EXPECT(status == 0);
	if (asker->left-- > 0)
		EXPECT(!uv_queue_work(&asker->loop, request, work, again));
}

static void one_loop(struct asker *asker, int flight)
{
	EXPECT(!uv_loop_init(&asker->loop));
	asker->left = 8 - flight;
	for (int i = 0; i < flight; i++) {
		asker->request[i].data = asker;
		EXPECT(!uv_queue_work(&asker->loop, &asker->request[i], work, again));
	}
	uv_run(&asker->loop, UV_RUN_DEFAULT);
	EXPECT(!uv_loop_close(&asker->loop));
	memset(asker, 0xff, sizeof(*asker));
}

static void *many_loops(void *arg)
{
	struct asker asker;

	is_loops = 1;
	for (int i = 0; i < LOOPS; i++)
		one_loop(&asker, 1 + i % 8);
	return arg;
}

/* Loops of several threads, each closed as soon as it has its last answer. */
static void loops(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		EXPECT(!pthread_create(&threads[i], NULL, many_loops, NULL));
	for (int i = 0; i < 4; i++)
		EXPECT(!pthread_join(threads[i], NULL));
	EXPECT(worked == 4 * LOOPS * 8 && by_loops == 0);
}

static _Atomic int to_be_had = INT_MAX; /* threads */

/* libuv's own calls of it come here. */
#pragma GCC visibility push(default)
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
		   void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
	return to_be_had-- > 0 ? create(thread, attr, start, arg) : EAGAIN;
}
#pragma GCC visibility pop

/* No thread can be had: the loop does all by itself. */
static void alone(void)
{
	to_be_had = 0;
	ask();
	run();
	EXPECT(answers == 3 && by_loops == 1);
}

/* One can, and the pool's own: it does all. */
static void few(void)
{
	to_be_had = 6;
	ask();
	run();
	EXPECT(answers == 3 && by_loops == 0);
}

static const struct {
	const char *name;
	void (*run)(void);
} stories[] = {
	{ "healed", healed },
	{ "stock", stock },
	{ "ends", ends },
	{ "ends_healed", ends_healed },
	{ "cancel", cancel },
	{ "order", order },
	{ "widths", widths },
	{ "many", many },
	{ "threads", threads },
	{ "flushes", flushes },
	{ "flushes_healed", flushes_healed },
	{ "ends_inside", ends_inside },
	{ "shuts", shuts },
	{ "dies", dies },
	{ "spins", spins },
	{ "forks", forks },
	{ "storm", storm },
	{ "loops", loops },
	{ "alone", alone },
	{ "few", few },
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	folder = argc > 2 ? argv[2] : NULL;
	loop = uv_default_loop();
	is_loops = 1;
	for (size_t i = 0; i < sizeof(stories) / sizeof(*stories); i++)
		if (!strcmp(argv[1], stories[i].name)) {
			stories[i].run();
			EXPECT(!uv_loop_close(loop));
			return 0;
		}
	return 2;
}
