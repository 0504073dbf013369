/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story.c - see story.h.
 */
#include "story.h"
#include "flow/tree.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- expectations ------------------------------------------------------------ */

void story_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	told_print();
	_exit(1);
}

void story_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("skipped: ");
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
	_exit(77);
}

void nap(uint64_t ns)
{
	struct timespec span = { (time_t)(ns / SECOND), (long)(ns % SECOND) };

	/* The call itself: nanosleep() is a cancellation point. */
	syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &span, NULL);
}

void story_breathe(void)
{
	nap(MS / 4);
}

/* ---- reports ----------------------------------------------------------------- */

static struct told list[TOLD_MAX];
static _Atomic uint32_t listed;

const struct ward_hooks story_hooks = { .report = story_report };

static void keep(char *to, size_t len, const char *from, const char **at)
{
	snprintf(to, len, "%s", from);
	*at = to;
}

void story_report(void *arg, const struct ward_report *report)
{
	uint32_t n = load_relaxed(&listed);
	struct told *t = &list[n];

	(void)arg;
	if (n >= TOLD_MAX)
		return;
	t->report = *report;
	keep(t->what, sizeof(t->what), report->what, &t->report.what);
	keep(t->task, sizeof(t->task), report->task, &t->report.task);
	keep(t->chain, sizeof(t->chain), report->chain, &t->report.chain);
	if (report->nframes)
		memcpy(t->frame, report->frames,
		       report->nframes * sizeof(*report->frames));
	t->report.frames = t->frame;
	ward_report_format(report, t->line, sizeof(t->line), false);
	store_release(&listed, n + 1); /* one scribe for each pool at a time */
}

static const struct told *find(enum ward_kind kind, unsigned n)
{
	uint32_t count = load_acquire(&listed);

	for (uint32_t i = 0; i < count; i++)
		if (list[i].report.kind == kind && n-- == 0)
			return &list[i];
	return NULL;
}

static const struct told *find_id(uint64_t id)
{
	uint32_t count = load_acquire(&listed);

	for (uint32_t i = 0; i < count; i++)
		if (list[i].report.id == id)
			return &list[i];
	return NULL;
}

const struct told *told(enum ward_kind kind, unsigned n)
{
	wait_until(find(kind, n));
	return find(kind, n);
}

const struct told *told_id(uint64_t id)
{
	expect(id != 0);
	wait_until(find_id(id));
	return find_id(id);
}

unsigned told_count(enum ward_kind kind)
{
	unsigned n = 0;

	while (find(kind, n))
		n++;
	return n;
}

void told_print(void)
{
	uint32_t n = load_acquire(&listed);

	for (uint32_t i = 0; i < n; i++)
		fprintf(stderr, "told: %s\n", list[i].line);
}

/* ---- pools ------------------------------------------------------------------- */

const struct ward_policy story_policy = {
	.size = sizeof(story_policy),
	.busy_within = 60 * MS,
	.blocked_within = 150 * MS,
};

struct ward_pool_config story_config(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;

	config.name = "story";
	config.workers = 2;
	config.spares = 1;
	config.zombies = 8;
	config.scan = 5 * MS;
	config.policy = &story_policy;
	config.hooks = &story_hooks;
	return config;
}

struct ward_pool *pool_up(const struct ward_pool_config *config)
{
	struct ward_pool *pool;

	expect_equal(ward_pool_create(&pool, config), 0);
	expect_equal(ward_pool_start(pool), 0);
	return pool;
}

struct ward_stats stats_of(struct ward_pool *pool)
{
	struct ward_stats stats = WARD_STATS_INIT;

	expect_equal(ward_pool_stats(pool, &stats), 0);
	return stats;
}

void audit_now(struct ward_pool *pool)
{
	struct ward_audit audit = WARD_AUDIT_INIT;

	if (ward_audit(pool, &audit))
		story_fail(__FILE__, __LINE__, "audit: %s", audit.first);
}

#define ALL_BOOKS 0x7feu /* A1 to A10 */

static uint32_t audited(struct ward_pool *pool)
{
	struct ward_audit audit = WARD_AUDIT_INIT;

	if (ward_audit(pool, &audit))
		story_fail(__FILE__, __LINE__, "audit: %s", audit.first);
	return audit.checked;
}

void audit_whole(struct ward_pool *pool)
{
	wait_until((audited(pool) & ALL_BOOKS) == ALL_BOOKS);
	expect_equal(stats_of(pool).rescues, 0);
}

bool books_closed(struct ward_pool *pool)
{
	barrier_seq_cst();
	return load_acquire(&((const struct pool *)pool)->transitions) == 0;
}

/* An answer may be here before the place that its worker left is seen. */
static bool healed(struct ward_pool *pool)
{
	const struct pool *inside = (const struct pool *)pool;
	bool before = books_closed(pool);
	struct ward_stats s = stats_of(pool);

	return before && s.workers == s.wanted && s.vacant == 0 &&
	       s.zombies == 0 && s.spares >= inside->spares_wanted &&
	       s.degraded == 0 && books_closed(pool);
}

void wait_healed(struct ward_pool *pool)
{
	wait_until(healed(pool));
}

void wait_buried(struct ward_pool *pool)
{
	const struct pool *inside = (const struct pool *)pool;
	uint64_t whole = stats_of(pool).wanted + inside->spares_wanted;

	wait_healed(pool);
	wait_until(stats_of(pool).threads_created -
			   stats_of(pool).threads_joined ==
		   whole);
}

uint64_t convicted(const struct ward_stats *stats)
{
	return stats->convicted_livelock + stats->convicted_blocked +
	       stats->convicted_progress;
}

struct ward_pool *pool_under(const struct ward_steward *steward)
{
	return (struct ward_pool *)steward->tree->pool;
}

void pool_leave(struct ward_pool *pool, ward_ns span, int left)
{
	expect_equal(ward_pool_destroy(pool, ward_in(span)), left);
}

void pool_down(struct ward_pool *pool)
{
	struct ward_stats s;

	expect_equal(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	wait_healed(pool);
	audit_whole(pool);
	s = stats_of(pool);
	expect_equal(s.accepted, s.answered);
	pool_leave(pool, IN_TIME, 0);
}

/* ---- tasks ------------------------------------------------------------------- */

static int run(struct ward_task *task)
{
	struct item *item = ward_entry(task, struct item, task);
	int status;

	store_relaxed(&item->tid, host_tid());
	add_acq_rel(&item->runs, 1);
	status = item->what(item);
	add_acq_rel(&item->ended, 1);
	return status;
}

static void done(struct ward_task *task, int status)
{
	struct item *item = ward_entry(task, struct item, task);

	item->status = status;
	item->incident = ward_incident(task);
	if (load_relaxed(&item->released))
		story_fail(__FILE__, __LINE__, "done after release");
	if (add_acq_rel(&item->done, 1))
		story_fail(__FILE__, __LINE__, "done twice");
}

static void release(struct ward_task *task)
{
	struct item *item = ward_entry(task, struct item, task);

	if (!load_acquire(&item->done))
		story_fail(__FILE__, __LINE__, "release before done");
	if (add_acq_rel(&item->released, 1))
		story_fail(__FILE__, __LINE__, "released twice");
}

void item_init(struct item *item, int (*what)(struct item *item),
	       const struct ward_policy *policy, const char *name)
{
	memset(item, 0, sizeof(*item));
	item->task.run = run;
	item->task.done = done;
	item->task.release = release;
	item->task.policy = policy;
	item->task.name = name;
	item->what = what;
}

void item_submit(struct ward_pool *pool, struct item *item)
{
	expect_equal(ward_submit(pool, &item->task, WARD_FOREVER), 0);
}

void item_start(struct ward_pool *pool, struct item *item,
		int (*what)(struct item *item),
		const struct ward_policy *policy, const char *name)
{
	item_init(item, what, policy, name);
	item_submit(pool, item);
}

void item_done(struct item *item, int status)
{
	wait_until(load_acquire(&item->done));
	expect_equal(item->status, status);
}

void item_ends(struct item *item, int status)
{
	wait_until(load_acquire(&item->released));
	expect_equal(item->status, status);
}

void item_runs(struct item *item, unsigned times)
{
	wait_until(load_acquire(&item->runs) >= times);
}

int task_nothing(struct item *item)
{
	(void)item;
	return 0;
}

int task_busy(struct item *item)
{
	(void)item;
	burn(story_policy.busy_within * 2 / 3);
	return 1;
}

int task_asleep(struct item *item)
{
	(void)item;
	nap(story_policy.blocked_within * 2 / 3);
	return 1;
}

int task_gate(struct item *item)
{
	while (!load_acquire(&item->gate))
		host_wait(&item->gate, 0, HOST_FOREVER);
	return 0;
}

void gate_open(struct item *item)
{
	store_release(&item->gate, 1);
	host_wake(&item->gate, INT32_MAX);
}

bool fenced(void)
{
	struct slot *slot = host_self();

	return slot && slot_taken(slot);
}

int task_sleep_until_fenced(struct item *item)
{
	(void)item;
	while (!fenced())
		nap(MS);
	return 0;
}

int task_spin_until_fenced(struct item *item)
{
	(void)item;
	while (!fenced())
		;
	return 0;
}

uint64_t cpu_of_thread(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

void burn(uint64_t ns)
{
	uint64_t end = cpu_of_thread() + ns;

	while (cpu_of_thread() < end)
		;
}

/* ---- the process ------------------------------------------------------------- */

static unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	expect(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* A listing of /proc/self/task may miss threads while others end. */
unsigned threads_now(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	unsigned n = 0;

	expect(file != NULL);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "Threads: %u", &n);
	fclose(file);
	return n;
}

unsigned mappings_now(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	int c;

	expect(file != NULL);
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

unsigned descriptors_now(void)
{
	return entries("/proc/self/fd");
}
