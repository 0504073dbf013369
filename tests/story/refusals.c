/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refusals.c - a kernel that says no: each system call that the library makes, or
 * that libc makes for it, is refused with each of some errors, from the start or
 * from a later moment, as by a program that sandboxes itself.
 *
 * Expected: it works; or a report tells what is done without (evidence, no_thread); or
 * create or start fails with that error.  Nobody spins, hangs or ends the process.
 *
 * Each is tried in a process of its own: tasks that end, sleep, spin, leave, vanish,
 * fault; a timer; a port; then some time in which nothing happens; drain, destroy; beside
 * them a service manager is told, and a page published.  The outcome must be that of the
 * table in docs/refusals.md.
 *
 *	refusals		of each call one error, each day another
 *	refusals all		all of them
 *	refusals table		the same, and prints the table
 *	refusals CALL ERROR start|later		one of them
 */
#include "../unit/filter.h"
#include "manager.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ward/port.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define SYS_pair(name) { #name, SYS_##name }

static const struct refused {
	const char *name;
	unsigned nr;
} call[] = {
	SYS_pair(clock_gettime),
	SYS_pair(clone3),
	SYS_pair(close),
	SYS_pair(eventfd2),
	SYS_pair(fallocate),
	SYS_pair(fcntl),
	SYS_pair(fstat),
	SYS_pair(fstatfs),
	SYS_pair(futex),
	SYS_pair(futex_waitv),
	SYS_pair(get_robust_list),
	SYS_pair(getpid),
	SYS_pair(getrandom),
	SYS_pair(gettid),
	SYS_pair(madvise),
	SYS_pair(membarrier),
	SYS_pair(memfd_create),
	SYS_pair(mkdir),
	SYS_pair(mmap),
	SYS_pair(mprotect),
	SYS_pair(munmap),
	SYS_pair(newfstatat),
	SYS_pair(openat),
	SYS_pair(prctl),
	SYS_pair(pread64),
	SYS_pair(prlimit64),
	SYS_pair(process_vm_readv),
	SYS_pair(read),
	SYS_pair(readlink),
	SYS_pair(rseq),
	SYS_pair(rt_sigaction),
	SYS_pair(rt_sigprocmask),
	SYS_pair(sched_getaffinity),
	SYS_pair(sched_getattr),
	SYS_pair(sched_getparam),
	SYS_pair(sched_getscheduler),
	SYS_pair(sched_setaffinity),
	SYS_pair(sched_setattr),
	SYS_pair(sched_setscheduler),
	SYS_pair(sched_yield),
	SYS_pair(sendto),
	SYS_pair(set_robust_list),
	SYS_pair(sigaltstack),
	SYS_pair(socket),
	SYS_pair(tgkill),
	SYS_pair(uname),
	SYS_pair(unlink),
	SYS_pair(unlinkat),
	SYS_pair(write),
};
enum { CALLS = sizeof(call) / sizeof(call[0]) };

static const struct error {
	const char *name;
	int number;
} error[] = {
	{ "EPERM", EPERM },   { "EACCES", EACCES }, { "ENOSYS", ENOSYS },
	{ "EINVAL", EINVAL }, { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM },
	{ "EINTR", EINTR },
};
enum { ERRORS = sizeof(error) / sizeof(error[0]) };

enum when { START, LATER, WHENS };
static const char *const when_name[] = { "start", "later" };

/* ---- the kernel ---------------------------------------------------------------- */

#define ALL_THREADS SECCOMP_FILTER_FLAG_TSYNC

/* Calls of the story itself, and those that nobody can do without (docs/refusals.md). */
static const unsigned own[] = {
	SYS_alarm,  SYS_brk,	    SYS_clock_nanosleep,	SYS_clone,
	SYS_exit,   SYS_exit_group, SYS_getdents64,		SYS_poll,
	SYS_recvfrom, SYS_rt_sigreturn, SYS_restart_syscall,
	SYS_seccomp, SYS_setsockopt, SYS_access,
};
enum { OWN = sizeof(own) / sizeof(own[0]) };

/* A call that is in neither list comes to SIGSYS. */
static bool trap_others(void)
{
	struct sock_filter code[2 * (CALLS + OWN) + 2], *at = code;

	*at++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr));
	for (int i = 0; i < CALLS + OWN; i++) {
		unsigned nr = i < CALLS ? call[i].nr : own[i - CALLS];

		*at++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						     nr, 0, 1);
		*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						     SECCOMP_RET_ALLOW);
	}
	*at++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					     SECCOMP_RET_TRAP);
	return set_filter(code, (size_t)(at - code), ALL_THREADS);
}

/* ---- what a child finds ---------------------------------------------------------- */

enum { SAID = 400 };

/* Shared with the parent; 'step' says where a child was that did not come back. */
struct found {
	char said[SAID];
	char step[40];
	bool works; /* and tells nothing */
};

static struct found *found;

static void at(const char *step)
{
	snprintf(found->step, sizeof(found->step), "%s", step);
}

static void say(const char *format, ...)
{
	size_t len = strlen(found->said);
	va_list args;

	if (len)
		len += (size_t)snprintf(found->said + len, SAID - len, "; ");
	va_start(args, format);
	vsnprintf(found->said + len, SAID - len, format, args);
	va_end(args);
}

static void say_once(const char *what)
{
	if (!strstr(found->said, what))
		say("%s", what);
}

static uint64_t patience = 4000 * MS;

/* ---- what is told ---------------------------------------------------------------- */

enum { TOLD = 16 };

static const char *evidence[TOLD];
static _Atomic uint32_t evidences, no_threads;
static _Atomic uint32_t holders, traces; /* in reports of sleeping tasks */

/* Formats nothing, so that the scribe is quick. */
static void hear(void *arg, const struct ward_report *report)
{
	uint32_t n = load_relaxed(&evidences);

	(void)arg;
	if (report->kind == WARD_R_NO_THREAD)
		add_relaxed(&no_threads, 1);
	if (report->kind == WARD_R_BLOCKED) {
		add_relaxed(&holders, report->holder != 0);
		add_relaxed(&traces, report->nframes != 0);
	}
	if (report->kind != WARD_R_EVIDENCE || n == TOLD)
		return;
	evidence[n] = report->what; /* a sentence of the library's */
	store_release(&evidences, n + 1);
}

static bool alone(void) /* and nobody is to come */
{
	return load_relaxed(&no_threads);
}

/* False: not in time.  What came is not asked for again: it may be gone by then. */
#define comes(condition)                                                       \
	({                                                                     \
		uint64_t end_ = host_now() + patience;                         \
		bool came_;                                                    \
                                                                               \
		while (!(came_ = (condition)) && host_now() < end_)            \
			nap(MS / 2);                                           \
		came_;                                                         \
	})

/* ---- the work -------------------------------------------------------------------- */

static const struct ward_policy policy = {
	.size = sizeof(policy),
	.busy_within = 12 * MS,
	.blocked_within = 25 * MS,
};

static int leave(struct item *item)
{
	(void)item;
	pthread_exit(NULL);
}

static int vanish(struct item *item)
{
	(void)item;
	syscall(SYS_exit, 0);
	return 0;
}

static volatile uintptr_t nowhere = 16;

static int fault(struct item *item)
{
	(void)item;
	*(volatile uint32_t *)nowhere = 1;
	return 0;
}

/* At most for that long: where it is not seen, it is to end all the same. */
#define UNSEEN (400 * MS)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int locks(struct item *item)
{
	(void)item;
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	return 7;
}

static _Atomic uint32_t spinning;

static int spins(struct item *item)
{
	uint64_t end = host_now() + UNSEEN;

	add_relaxed(&spinning, 1);
	while (!fenced() && host_now() < end)
		;
	sub_acq_rel(&spinning, 1);
	/* A spinner is lowered after it was asked for its backtrace. */
	end = host_now() + SECOND;
	while (fenced() && !item->number && host_now() < end &&
	       !load_relaxed(&evidences)) {
		item->number = sched_getscheduler(0) == SCHED_IDLE;
		nap(MS / 4);
	}
	return 7;
}

static void want(struct ward_pool *pool, struct item *item,
		 int (*what)(struct item *), int status, const char *name)
{
	at(name);
	item_init(item, what, NULL, name);
	if (ward_submit(pool, &item->task, WARD_NOWAIT))
		say("%s is REFUSED", name);
	else if (!comes(load_acquire(&item->released) || alone()))
		say("%s HANGS", name);
	else if (load_acquire(&item->released) && item->status != status &&
		 !comes(load_relaxed(&evidences)))
		say("%s ENDS with %d", name, item->status);
}

/* A task waits for our lock: its report has the holder and a backtrace. */
static void want_lock(struct ward_pool *pool, struct item *item)
{
	at("lock");
	item_init(item, locks, NULL, "lock");
	pthread_mutex_lock(&lock);
	if (ward_submit(pool, &item->task, WARD_NOWAIT))
		say("lock is REFUSED");
	else if (!comes(load_acquire(&item->done) || alone() ||
			load_relaxed(&evidences)))
		say("lock HANGS");
	if (item->done && item->status == -ETIME && !alone() &&
	    !comes((load_relaxed(&holders) && load_relaxed(&traces)) ||
		   load_relaxed(&evidences)))
		say("the holder, or the backtrace, is NOT told");
	pthread_mutex_unlock(&lock);
	if (!comes(load_acquire(&item->released) || alone()))
		say("lock HANGS");
}

static struct item items[12];
static struct ward_port *port;
static struct ward_lane *lane;

static void use_port(struct item *item)
{
	struct pollfd event = { ward_port_fd(port), POLLIN, 0 };

	at("port");
	item_init(item, task_nothing, NULL, "port");
	if (ward_lane_submit(lane, &item->task, WARD_NOWAIT)) {
		say("lane is REFUSED");
		return;
	}
	if (poll(&event, 1, alone() ? 50 : 500) != 1 && !alone() &&
	    !comes(load_relaxed(&evidences)))
		say("an event loop is NOT woken");
	if (!comes(ward_port_run(port, 0) || load_acquire(&item->released) ||
		   alone()))
		say("port HANGS");
}

/* It has heard of the last resize, where sending is what may be refused. */
static bool manager_heard(void)
{
	const char *line = manager_hears(1000);

	return line && !strncmp(line, "STATUS=16 workers", 17);
}

static void work(struct ward_pool *pool)
{
	struct item *item = items;

	want(pool, item++, task_nothing, 0, "task");
	want_lock(pool, item++);
	want(pool, item, spins, -ETIME, "spin");
	if (item->status == -ETIME && !item->number && !alone() &&
	    !comes(load_relaxed(&evidences)))
		say("a spinner is NOT lowered");
	item++;
	want(pool, item++, leave, -EOWNERDEAD, "exit");
	want(pool, item++, vanish, -EOWNERDEAD, "raw exit");
	want(pool, item++, fault, -EFAULT, "fault");
	if (port)
		use_port(item++);
	at("timer");
	item_init(item, task_nothing, NULL, "timer");
	if (ward_submit_at(pool, &item->task, ward_in(2 * MS), 0) ||
	    !comes(load_acquire(&item->released) || alone()))
		say("timer HANGS");
}

/* ---- the page --------------------------------------------------------------------- */

static char page_dir[] = "/dev/shm/ward-story-XXXXXX";

/* Of these only a pool knows that has no folder for a file. */
static void choose_page(const struct refused *c)
{
	bool memfd = c && (c->nr == SYS_memfd_create || c->nr == SYS_fcntl);

	setenv("WARD_PUBLISH_DIR", memfd ? "/nowhere/at/all" : page_dir, 1);
}

static uint64_t last_published(const struct page *page)
{
	const struct snapshot *to = &page->part[WARD_PAGE_POOL];
	uint64_t last = 0;

	for (int i = 0; i < SNAPSHOT_COPIES; i++) {
		uint64_t number = load_relaxed(&to->whole[i]);

		last = number > last ? number : last;
	}
	return last;
}

/* What has happened up to now comes to be seen. */
static void use_page(struct ward_pool *pool)
{
	const struct page *page = &((struct pool *)pool)->page;
	uint64_t before = last_published(page);

	at("page");
	item_init(&items[10], task_nothing, NULL, "page");
	if (page_is_made(page) && !ward_submit(pool, &items[10].task, WARD_NOWAIT) &&
	    !comes(last_published(page) > before + 1))
		say("the page STANDS");
}

static void leave_page(const char *path)
{
	if (*path && !access(path, F_OK))
		say_once("the page's file stays");
}

static uint64_t cpu_of_process(void)
{
	struct timespec now = { 0, 0 };

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now))
		return 0;
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* Nothing happens: of 40 ms that pass nobody may burn half. */
static void idle(void)
{
	uint64_t before;

	at("idle");
	comes(!load_relaxed(&spinning));
	nap(10 * MS);
	before = cpu_of_process();
	nap(40 * MS);
	if (cpu_of_process() - before > 20 * MS)
		say("SPINS");
}

static void tell(void)
{
	for (unsigned i = 0; i < load_acquire(&evidences); i++)
		say_once(evidence[i]);
	if (alone())
		say_once("no threads are made: seats stay empty (no_thread)");
}

static bool is_whole(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;

	return !ward_pool_stats(pool, &stats) && !stats.vacant &&
	       !stats.zombies && stats.spares;
}

static bool sleeps(const char *tid)
{
	char path[64], stat[256], *end;
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", tid);
	file = fopen(path, "r");
	n = file ? fread(stat, 1, sizeof(stat) - 1, file) : 0;
	if (file)
		fclose(file);
	stat[n] = '\0';
	end = strrchr(stat, ')');
	return end && end[1] && end[2] == 'S';
}

/* So no thread of this process is on its way up, helpers included. */
static bool others_sleep(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	bool all = dir;

	while (all && (entry = readdir(dir)))
		all = *entry->d_name == '.' || atoi(entry->d_name) == gettid() ||
		      sleeps(entry->d_name);
	if (dir)
		closedir(dir);
	return all;
}

/* A refusal would meet a new thread between the library's look and its libc's call. */
static bool nobody_is_born(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;

	return others_sleep() && !ward_pool_stats(pool, &stats) &&
	       !stats.vacant &&
	       stats.threads_created - stats.threads_joined ==
		       stats.workers + stats.spares;
}

static void down(struct ward_pool *pool)
{
	int left;

	at("drain");
	if (ward_pool_drain(pool, ward_in(alone() ? 50 * MS : patience)) &&
	    !alone())
		say("drain HANGS");
	at("destroy");
	left = ward_pool_destroy(pool, ward_in(patience));
	if (left)
		say("destroy LEAVES %d", left);
}

static int refused_with;

static void name_error(const char *who, int err)
{
	if (err == -refused_with)
		say("%s fails with it", who);
	for (int i = 0; i < ERRORS && !*found->said; i++)
		if (error[i].number == -err)
			say("%s fails: %s", who, error[i].name);
	if (!*found->said)
		say("%s fails: %d", who, err);
}

enum { MANY = 16 }; /* records enough to come from mmap */

static char cpus[4096]; /* those that we have, as a list */

static int up(struct ward_pool **pool)
{
	static const struct ward_hooks hooks = { .report = hear };
	struct ward_pool_config config = story_config();
	int err;

	config.max = MANY;
	config.scan = 2 * MS;
	config.policy = &policy;
	config.hooks = &hooks;
	config.flags = WARD_POOL_CATCH_FAULTS | WARD_POOL_NOTIFY | WARD_POOL_PUBLISH;
	config.cpus = cpus;
	at("create");
	err = ward_pool_create(pool, &config);
	if (err) {
		name_error("create", err);
		return err;
	}
	at("start");
	err = ward_pool_start(*pool);
	if (err) {
		name_error("start", err);
		ward_pool_destroy(*pool, 0);
	}
	return err;
}

static void unlisted(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	say("call %d is in no list", info->si_syscall);
	_exit(0);
}

/* NULL: all are allowed that are listed. */
static void child(const struct refused *c, int err, enum when when)
{
	struct ward_lane_config narrow = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool;
	char path[sizeof(((struct page *)0)->host.path)];

	refused_with = err;
	manager_up(NULL, NULL);
	choose_page(c);
	if (when == START && !c) {
		struct sigaction action = { .sa_sigaction = unlisted,
					    .sa_flags = SA_SIGINFO };

		sigaction(SIGSYS, &action, NULL);
		if (!trap_others())
			_exit(77);
	} else if (when == START && !refuse_with(c->nr, (unsigned)err, ALL_THREADS))
		_exit(77);
	if (up(&pool))
		return;
	err = when == LATER ? err : 0;
	if (err) {
		want(pool, &items[11], task_nothing, 0, "first");
		if (!comes(nobody_is_born(pool)))
			say("threads are made without end");
	}
	if (ward_port_create(&port)) {
		say("ports are refused");
		port = NULL;
	} else {
		narrow.port = port;
		if (ward_lane_create(&lane, pool, &narrow))
			say("lanes are refused");
	}
	if (err && !refuse_with(c->nr, (unsigned)err, ALL_THREADS))
		_exit(77);
	work(pool);
	/* More than libc has stacks of threads that are gone. */
	at("resize");
	if (ward_pool_resize(pool, MANY, MANY))
		say("resize is REFUSED");
	at("heal");
	if (!comes(is_whole(pool) || alone()))
		say("NOT healed");
	at("manager");
	if (c && (c->nr == SYS_socket || c->nr == SYS_sendto) &&
	    refused_with != EAGAIN && !comes(manager_heard() || load_relaxed(&evidences)))
		say("the service manager hears NOTHING");
	use_page(pool);
	idle();
	if (lane)
		ward_lane_destroy(lane);
	snprintf(path, sizeof(path), "%s", ((struct pool *)pool)->page.host.path);
	down(pool);
	tell();
	leave_page(path);
	at("");
}

/* Children whose unlink() was refused, or that were ended, leave a file. */
static void leave_dir(void)
{
	DIR *open = opendir(page_dir);
	struct dirent *entry;

	while (open && (entry = readdir(open)))
		unlinkat(dirfd(open), entry->d_name, 0);
	if (open)
		closedir(open);
	rmdir(page_dir);
}

/* ---- all of them ------------------------------------------------------------------- */

enum { HANDS = 6, CHILD_S = 20 };

struct trial {
	const struct refused *call;
	const struct error *error;
	enum when when;
	struct found found;
	pid_t pid;
};

static struct trial *trial;
static unsigned trials;

static void begin(struct trial *t)
{
	pid_t pid = fork();

	expect(pid >= 0);
	if (pid) {
		t->pid = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(CHILD_S);
	found = &t->found;
	child(t->call, t->error ? t->error->number : 0, t->when);
	_exit(0);
}

static void ended(struct trial *t, int status)
{
	found = &t->found;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		story_skip("no seccomp");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		say("HANGS in %s", found->step);
	else if (WIFSIGNALED(status))
		say("DIES of signal %d in %s", WTERMSIG(status), found->step);
	else if (WEXITSTATUS(status))
		say("FAILS in %s", found->step);
	if (!*found->said)
		say("works");
}

static void reap(void)
{
	int status;
	pid_t pid = wait(&status);

	expect(pid > 0);
	for (unsigned i = 0; i < trials; i++)
		if (trial[i].pid == pid)
			ended(&trial[i], status);
}

static void run_all(void)
{
	unsigned running = 0;

	for (unsigned i = 0; i < trials; i++) {
		if (running == HANDS)
			reap();
		else
			running++;
		begin(&trial[i]);
	}
	while (running--)
		reap();
}

static void add(const struct refused *c, const struct error *e, enum when when)
{
	struct trial *t = &trial[trials++];

	t->call = c;
	t->error = e;
	t->when = when;
}

static void room(void)
{
	size_t size = (CALLS * ERRORS * WHENS + 1) * sizeof(*trial);

	trial = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	expect(trial != MAP_FAILED);
}

/* ---- the table ------------------------------------------------------------------------ */

static const struct trial *find(const struct refused *c, int e, int when)
{
	for (unsigned i = 0; i < trials; i++)
		if (trial[i].call == c && trial[i].error == &error[e] &&
		    (int)trial[i].when == when)
			return &trial[i];
	return NULL;
}

/* Several errors that end alike are named together; all of them not at all. */
static void print_cell(const struct refused *c, int when)
{
	bool told_of[ERRORS] = { false };

	for (int e = 0; e < ERRORS; e++) {
		const char *said = find(c, e, when)->found.said;
		int same = 0;

		if (told_of[e])
			continue;
		for (int o = 0; o < ERRORS; o++)
			same += !strcmp(said, find(c, o, when)->found.said);
		printf("%s", e ? "<br>" : " ");
		for (int o = e; o < ERRORS && same < ERRORS; o++) {
			if (strcmp(said, find(c, o, when)->found.said))
				continue;
			printf("%s%s", o == e ? "" : ", ", error[o].name);
			told_of[o] = true;
		}
		if (same == ERRORS) {
			printf("%s ", said);
			return;
		}
		printf(": %s", said);
	}
	putchar(' ');
}

static void print_table(void)
{
	printf("| call | from the start | from a later moment |\n"
	       "|---|---|---|\n");
	for (int c = 0; c < CALLS; c++) {
		printf("| `%s` |", call[c].name);
		for (int when = 0; when < WHENS; when++) {
			print_cell(&call[c], when);
			printf(when ? "|\n" : "|");
		}
	}
}

/* ---- the document ------------------------------------------------------------------------ */

static char doc[64 << 10];

static void read_doc(void)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/docs/refusals.md", top ? top : "..");
	file = fopen(path, "r");
	if (!file)
		story_fail(__FILE__, __LINE__, "no %s", path);
	len = fread(doc, 1, sizeof(doc) - 1, file);
	fclose(file);
	doc[len] = '\0';
}

/* The document's word on that trial, in 'text'; false: there is none. */
static bool documented(const struct trial *t, char *text, size_t size)
{
	char row[64], cell[2048], *part, *rest = cell;
	const char *from, *end;

	snprintf(row, sizeof(row), "| `%s` | ", t->call->name);
	from = strstr(doc, row);
	if (!from)
		return false;
	from += strlen(row);
	if (t->when == LATER)
		from = strstr(from, " | ") + 3;
	end = strstr(from, " |");
	snprintf(cell, sizeof(cell), "%.*s", (int)(end - from), from);
	while ((part = strsep(&rest, ">"))) { /* of <br> */
		char *errors = *part == 'E' ? part : NULL;
		char *said = errors ? strstr(part, ": ") + 2 : part;
		char *tail = strstr(part, "<br");

		if (tail)
			*tail = '\0';
		if (errors)
			said[-2] = '\0';
		if (errors && !strstr(errors, t->error->name))
			continue;
		snprintf(text, size, "%s", said);
		return true;
	}
	return false;
}

static unsigned compare(void)
{
	unsigned wrong = 0;

	read_doc();
	for (unsigned i = 0; i < trials; i++) {
		const struct trial *t = &trial[i];
		char text[SAID] = "nothing";

		if (documented(t, text, sizeof(text)) &&
		    !strcmp(text, t->found.said))
			continue;
		fprintf(stderr, "%s, %s, %s: %s; docs/refusals.md: %s\n",
			t->call->name, t->error->name, when_name[t->when],
			t->found.said, text);
		wrong++;
	}
	return wrong;
}

static void list_cpus(void)
{
	cpu_set_t mine;
	size_t len = 0;

	expect_equal(sched_getaffinity(0, sizeof(mine), &mine), 0);
	for (int i = 0; i < CPU_SETSIZE && len < sizeof(cpus) - 8; i++)
		if (CPU_ISSET(i, &mine))
			len += (size_t)sprintf(cpus + len, "%s%d",
					       len ? "," : "", i);
}

static bool is_named(const char *name, const char *which)
{
	return !which || !strcmp(name, which);
}

int main(int argc, char **argv)
{
	time_t day = time(NULL) / 86400;
	bool all = argc == 2, one = argc == 4;

	if (!mkdtemp(page_dir))
		story_skip("no folder in memory");
	room();
	list_cpus();
	for (int c = 0; c < CALLS; c++)
		for (int e = 0; e < ERRORS; e++)
			for (int when = 0; when < WHENS; when++)
				if (one ? is_named(call[c].name, argv[1]) &&
						  is_named(error[e].name, argv[2]) &&
						  is_named(when_name[when], argv[3]) :
					  all || (c + day + when) % ERRORS == e)
					add(&call[c], &error[e],
					    (enum when)when);
	if (!one)
		add(NULL, NULL, START);
	run_all();
	leave_dir();
	if (!one && strcmp(trial[trials - 1].found.said, "works"))
		story_fail(__FILE__, __LINE__, "%s",
			   trial[trials - 1].found.said);
	trials -= !one;
	if (all && !strcmp(argv[1], "table")) {
		print_table();
		return 0;
	}
	for (unsigned i = 0; one && i < trials; i++)
		printf("%s\n", trial[i].found.said);
	return compare() != 0;
}
