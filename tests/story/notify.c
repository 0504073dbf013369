/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify.c - a pool tells the service manager how it is, and feeds its watchdog while it
 * is well (WARD_POOL_NOTIFY).  A socket of ours stands for the service manager.
 *
 * Expected: READY=1, STATUS= and WATCHDOG=1 as the pool is, STOPPING=1 at the end; a pool
 * that is unwell says what is wrong, and is not fed.  Nothing waits for the service
 * manager, whatever becomes of its socket.
 */
#include "manager.h"

#include "faulty.h"
#include "heal/heal.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define EVERY "40000" /* WATCHDOG_USEC: fed each 20 ms */

/* ---- the steward is held in its own call to the service manager ------------------- */

WRAPPED(host_notify_send);

static _Atomic uint32_t holds; /* futex: 1: the next one, 2: it is there */

int __wrap_host_notify_send(const struct host_notify *n, const char *state)
{
	uint32_t one = 1;

	if (cas_acq_rel(&holds, &one, 2))
		while (load_acquire(&holds) == 2)
			host_wait(&holds, 2, HOST_FOREVER);
	return __real_host_notify_send(n, state);
}

/* ---- pools ------------------------------------------------------------------------ */

static struct ward_pool_config speaking(void)
{
	struct ward_pool_config config = story_config();

	config.flags |= WARD_POOL_NOTIFY;
	return config;
}

/* A word that was under way may come between, and is not the last. */
static void ends_with_stopping(void)
{
	bool last = true;
	const char *line;

	comes_to_say("STOPPING=1");
	says("STATUS=stopping", NULL);
	while ((line = manager_hears(1000)))
		last = !strcmp(line, "STATUS=stopping");
	expect(last);
}

static struct ward_pool *speaker_up(const struct ward_pool_config *config)
{
	struct ward_pool *pool = pool_up(config);

	says("READY=1", NULL);
	return pool;
}

static void speaker_down(struct ward_pool *pool)
{
	pool_down(pool);
	ends_with_stopping();
}

/* Inside of tasks that may be there for long. */
static const struct ward_policy patient = {
	.size = sizeof(patient),
	.blocked_within = 3600 * SECOND,
};

/* ---- what is heard ------------------------------------------------------------------ */

static void well_and_idle(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	struct item item;

	says(ALL_WELL, FED);
	is_fed(5);
	item_start(pool, &item, task_nothing, NULL, "a");
	item_ends(&item, 0);
	says(FED, NULL); /* and nothing about its status, which is the same */
	expect_equal(ward_pool_resize(pool, 3, 3), 0);
	comes_to_say("STATUS=3 workers, all well");
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	pool_leave(pool, IN_TIME, 0);
	ends_with_stopping();
	expect(getenv("NOTIFY_SOCKET") && getenv("WATCHDOG_USEC"));
}

/* No worker is free to answer the ping, and all the same the pool is well. */
static void all_busy(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	struct item item[3];

	for (int i = 0; i < 3; i++)
		item_start(pool, &item[i], task_gate, &patient, "long");
	wait_until(load_acquire(&item[0].runs) + load_acquire(&item[1].runs) +
			   load_acquire(&item[2].runs) ==
		   2);
	is_fed(30);
	for (int i = 0; i < 3; i++)
		gate_open(&item[i]);
	for (int i = 0; i < 3; i++)
		item_ends(&item[i], 0);
	is_fed(5);
	speaker_down(pool);
}

/* Over their budgets, and the pool only tells. */
static void all_stuck(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	struct item item[2];

	config.on_stall = WARD_STALL_REPORT;
	pool = speaker_up(&config);
	for (int i = 0; i < 2; i++)
		item_start(pool, &item[i], task_gate, NULL, "stuck");
	comes_to_say("STATUS=2 workers; a task waits, and no worker takes it");
	is_not_fed();
	for (int i = 0; i < 2; i++)
		gate_open(&item[i]);
	is_fed(3);
	speaker_down(pool);
}

static void degraded(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	struct item item[2];

	config.zombies = 1;
	config.zombies_asleep = 1;
	pool = speaker_up(&config);
	for (int i = 0; i < 2; i++)
		item_start(pool, &item[i], task_gate, NULL, "stuck");
	told(WARD_R_DEGRADED, 0);
	comes_to_say("STATUS=2 workers; degraded: stuck workers stay in their "
		     "seats; fenced threads that are still out: 1");
	is_not_fed();
	for (int i = 0; i < 2; i++)
		gate_open(&item[i]);
	is_fed(3);
	speaker_down(pool);
}

/* A fenced thread is told of, but the pool is well without it. */
static void one_is_out(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	struct item item;

	item_start(pool, &item, task_gate, NULL, "stuck");
	comes_to_say("STATUS=2 workers; fenced threads that are still out: 1");
	is_fed(5);
	gate_open(&item);
	comes_to_say(ALL_WELL);
	item_ends(&item, -ETIME);
	speaker_down(pool);
}

static void broken_books(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	_Atomic uint64_t *broken = &((struct pool *)pool)->broken;

	or_relaxed(broken, 1u << 3);
	comes_to_say("STATUS=2 workers; A3: answers and releases given twice");
	is_not_fed();
	and_acq_rel(broken, ~(1u << 3));
	is_fed(2);
	speaker_down(pool);
}

/* ---- beside other features --------------------------------------------------------- */

static int leave(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static int fault(struct item *item)
{
	(void)item;
	writes_nowhere();
	return 0;
}

static void deaths(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	struct item item;

	config.flags |= WARD_POOL_CATCH_FAULTS;
	pool = speaker_up(&config);
	for (int i = 0; i < 20; i++) {
		item_start(pool, &item, leave, NULL, "leaves");
		item_ends(&item, -EOWNERDEAD);
		item_start(pool, &item, fault, NULL, "faults");
		item_ends(&item, -EFAULT);
		is_fed(1);
	}
	speaker_down(pool);
}

/* Another steward takes over, and goes on with it. */
static void takeover(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);

	is_fed(3);
	store_release(&holds, 1);
	told(WARD_R_STEWARD, 0);
	is_fed(10);
	expect_equal(load_acquire(&holds), 2); /* the first one is there still */
	store_release(&holds, 0);
	host_wake(&holds, INT32_MAX);
	is_fed(3);
	speaker_down(pool);
}

/* The steward was about to feed when the pool is drained. */
static void held_as_it_stops(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);

	is_fed(1);
	store_release(&holds, 1);
	wait_until(load_acquire(&holds) == 2);
	while (manager_hears(1000))
		;
	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	comes_to_say("STOPPING=1");
	says("STATUS=stopping", NULL);
	store_release(&holds, 0);
	host_wake(&holds, INT32_MAX);
	expect(strcmp(manager_next(NULL), "STOPPING=1"));
	ends_with_stopping();
	pool_leave(pool, IN_TIME, 0);
}

/* Until the steward has nothing to do, and sleeps. */
static void *held_for_long(void *arg)
{
	wait_until(load_acquire(&holds) == 2);
	nap(1500 * MS);
	store_release(&holds, 0);
	host_wake(&holds, INT32_MAX);
	return arg;
}

/* Who starts the pool is late with its word that all are there. */
static void late_to_say_ready(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	pthread_t thread;

	store_release(&holds, 1);
	expect_equal(pthread_create(&thread, NULL, held_for_long, NULL), 0);
	pool = speaker_up(&config);
	expect_equal(pthread_join(thread, NULL), 0);
	is_fed(3);
	speaker_down(pool);
}

static void one_speaks(void)
{
	struct ward_pool_config config = speaking();
	struct ward_steward_config tree = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *root = (struct ward_steward *)&tree;
	struct ward_pool *first = speaker_up(&config), *other = first;
	struct ward_pool *silent;

	expect_equal(ward_pool_create(&other, &config), -EALREADY);
	expect(other == first);
	tree.flags = WARD_STEWARD_NOTIFY;
	expect_equal(ward_steward_create(&root, &tree), -EALREADY);
	expect(root == (struct ward_steward *)&tree);
	config.flags &= ~(uint32_t)WARD_POOL_NOTIFY;
	silent = pool_up(&config);
	is_fed(2);
	pool_down(silent);
	is_fed(2); /* the end of another pool is not the service's */
	speaker_down(first);
}

/* The claim is free when destroy has returned, though a thread is left. */
static void hangs_at_the_end(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	struct item item;

	item_start(pool, &item, task_gate, &patient, "hangs");
	item_runs(&item, 1);
	pool_leave(pool, 0, 1);
	comes_to_say("STOPPING=1");
	says("STATUS=stopping", NULL);
	pool = pool_up(&config);
	comes_to_say("READY=1");
	is_fed(2);
	gate_open(&item);
	item_ends(&item, -ECANCELED);
	is_fed(2);
	speaker_down(pool);
}

/* The child's own pool speaks, if it is the child that the manager waits for. */
static void in_a_child(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config), *own;
	int status;
	pid_t child;

	child = fork();
	expect(child >= 0);
	if (!child) {
		if (ward_pool_create(&own, &config) || ward_pool_start(own) ||
		    ward_pool_destroy(pool, 0) ||
		    ward_pool_create(&pool, &config) != -EALREADY ||
		    ward_pool_destroy(own, WARD_FOREVER))
			_exit(1);
		_exit(0);
	}
	expect_equal(waitpid(child, &status, 0), child);
	expect_equal(status, 0);
	comes_to_say("READY=1");
	comes_to_say("STOPPING=1");
	is_fed(3); /* the parent's goes on */
	expect_equal(ward_pool_create(&own, &config), -EALREADY);
	speaker_down(pool);
}

/* ---- the environment ---------------------------------------------------------------- */

static void not_our_watchdog(void)
{
	struct ward_pool_config config = speaking();
	char pid[16];
	struct ward_pool *pool;

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	pool = speaker_up(&config);
	is_fed(2);
	speaker_down(pool);
	setenv("WATCHDOG_PID", "1", 1);
	pool = speaker_up(&config);
	says(ALL_WELL, NULL);
	is_not_fed();
	speaker_down(pool);
}

static void by_a_path(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/ward-notify-%d", getpid());
	unlink(path);
	manager_up(path, NULL);
	pool = speaker_up(&config);
	says(ALL_WELL, NULL);
	is_not_fed(); /* no watchdog is asked for */
	speaker_down(pool);
	unlink(path);
	manager_down();
}

/* Nobody is there: told once for a pool, or, if nobody was named, not at all. */
static void deaf(const char *name, unsigned reports)
{
	unsigned before = told_count(WARD_R_EVIDENCE);
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	struct item item;

	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", EVERY, 1);
	pool = pool_up(&config);
	if (reports)
		expect(strstr(told(WARD_R_EVIDENCE, before)->what,
			      "the service manager cannot be told"));
	item_start(pool, &item, task_nothing, NULL, "a");
	item_ends(&item, 0);
	pool_down(pool);
	expect_equal(told_count(WARD_R_EVIDENCE), before + reports);
}

/* Its queue is full: nothing waits for it, and what is to be said is said later. */
static void full(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;
	struct sockaddr_un name;
	socklen_t len = sizeof(name);
	struct item item;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	expect_equal(getsockname(manager, (struct sockaddr *)&name, &len), 0);
	expect_equal(connect(fd, (struct sockaddr *)&name, len), 0);
	while (write(fd, "full", 4) == 4)
		;
	expect_equal(errno, EAGAIN);
	pool = pool_up(&config);
	for (int i = 0; i < 20; i++) {
		item_start(pool, &item, task_nothing, NULL, "a");
		item_ends(&item, 0);
	}
	says("READY=1", "full");
	comes_to_say(ALL_WELL);
	is_fed(3);
	speaker_down(pool);
	close(fd);
}

/* The program has closed the descriptor; its number is a file of its own since. */
static void lost_descriptor(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	const struct heal *heal = ((struct pool *)pool)->helpers;
	int fd = heal->notify.manager.socket.fd, file;
	struct stat is;

	file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file < 0)
		file = memfd_create("file", MFD_CLOEXEC);
	expect(file >= 0);
	expect_equal(dup2(file, fd), fd);
	nap(50 * MS);
	while (manager_hears(1000))
		;
	is_fed(3);
	expect_equal(fstat(fd, &is), 0);
	expect_equal(is.st_size, 0);
	speaker_down(pool);
	expect_equal(fstat(fd, &is), 0); /* nor was it closed */
	close(fd);
	close(file);
}

/* No descriptor can be had any more: the one that is kept does. */
static void no_descriptors(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool = speaker_up(&config);
	struct rlimit limit, none = { 0, 0 };

	expect_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none.rlim_max = limit.rlim_max;
	expect_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	is_fed(5);
	nap(50 * MS);
	while (manager_hears(1000))
		;
	is_fed(3);
	expect_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	speaker_down(pool);
}

/* A pool that could not be started has said nothing, and another may speak. */
static void not_started(void)
{
	struct ward_pool_config config = speaking();
	struct ward_pool *pool;

	expect_equal(ward_pool_create(&pool, &config), 0);
	pool_leave(pool, 0, 0);
	expect(!manager_hears(1000));
	pool = speaker_up(&config);
	speaker_down(pool);
}

int main(void)
{
	unsigned files = descriptors_now();

	manager_up(NULL, EVERY);
	well_and_idle();
	all_busy();
	all_stuck();
	degraded();
	one_is_out();
	broken_books();
	deaths();
	takeover();
	held_as_it_stops();
	late_to_say_ready();
	one_speaks();
	hangs_at_the_end();
	if (!UNDER_ASAN)
		in_a_child();
	not_started();
	full();
	lost_descriptor();
	no_descriptors();
	not_our_watchdog();
	manager_down();
	by_a_path();
	deaf("", 0);
	deaf("nonsense", 1);
	deaf("/nowhere/at/all", 1);
	deaf("/a/path/that/is/longer/than/a/socket's/name/may/be/which/is/one/hundred/"
	     "and/eight/bytes/with/its/end/on/this/system", 1);
	wait_until(threads_now() == 1);
	expect_equal(descriptors_now(), files);
	return 0;
}
