/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page that a pool publishes, as another process reads it: where it lies, what is in
 * it, and what becomes of it.  The reader is wardtop's.
 */
#include "../../tools/find.h"
#include "filter.h"
#include "front/front.h"
#include "job.h"
#include "wait.h"

#include "../../lib/heal/publish.c"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64];

/* A folder in memory, which nobody else has. */
static void in_dir(void)
{
	strcpy(dir, "/dev/shm/ward-test-XXXXXX");
	if (!mkdtemp(dir))
		cr_skip_test("no folder in memory");
	setenv("WARD_PUBLISH_DIR", dir, 1);
}

static void leave_dir(void)
{
	DIR *open = opendir(dir);
	struct dirent *entry;

	while (open && (entry = readdir(open)))
		unlinkat(dirfd(open), entry->d_name, 0);
	if (open)
		closedir(open);
	rmdir(dir);
}

static unsigned files(void)
{
	DIR *open = opendir(dir);
	struct dirent *entry;
	unsigned n = 0;

	while (open && (entry = readdir(open)))
		n += *entry->d_name != '.';
	if (open)
		closedir(open);
	return n;
}

static const char *file_of(int32_t pid, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%d-%s", dir, pid, name);
	return path;
}

static struct ward_pool_config config_of(const char *name)
{
	struct ward_pool_config config = job_config(2);

	config.flags = WARD_POOL_PUBLISH;
	config.name = name;
	config.policy = NULL;
	return config;
}

/* Of the only page of this process. */
static struct model model_of(int32_t pid, struct found *found)
{
	static struct finds finds;
	struct model model;

	find_free(&finds);
	cr_assert_eq(find_pid(&finds, pid), 0);
	cr_assert_eq(finds.n, 1);
	*found = finds.found[0];
	cr_assert_eq(model_read(&model, found->fd), 0);
	return model;
}

/* ---- where it lies ----------------------------------------------------------------- */

Test(publish, a_file_for_its_user_alone, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("own");
	struct ward_pool *pool = created(&config);
	struct found found;
	struct model model = model_of(getpid(), &found);
	struct stat is;

	cr_assert_eq(stat(file_of(getpid(), "own"), &is), 0);
	cr_assert_eq(is.st_mode, S_IFREG | 0400);
	cr_assert_eq((uint64_t)is.st_size, model.page.bytes);
	cr_assert_geq((uint64_t)is.st_blocks * 512, model.page.bytes); /* all is there */
	cr_assert_str_eq(model.page.pool, "own");
	cr_assert_str_eq(model.page.program, program_invocation_short_name);
	cr_assert_eq(model.page.pid, getpid());
	cr_assert_eq(model.pool.head.number, 0, "not started");
	cr_assert_eq(fate_of(&model, &found), FATE_LIVES);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
	cr_assert_eq(files(), 0);
	model_free(&model);
	/* Who still has it open is told. */
	cr_assert_eq(model_read(&model, found.fd), 0);
	cr_assert_eq(fate_of(&model, &found), FATE_DESTROYED);
}

Test(publish, none_unless_it_is_asked_for, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = job_config(1);
	struct ward_pool *pool = started(&config);

	cr_assert_eq(files(), 0);
	ended(pool);
}

Test(publish, pools_of_one_name, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("twin");
	struct ward_pool *one = created(&config), *two = created(&config);
	struct finds finds = { .n = 0 };

	cr_assert_eq(access(file_of(getpid(), "twin"), R_OK), 0);
	cr_assert_eq(access(file_of(getpid(), "twin-2"), R_OK), 0);
	cr_assert_eq(find_pid(&finds, getpid()), 0);
	cr_assert_eq(finds.n, 2);
	find_free(&finds);
	cr_assert_eq(ward_pool_destroy(one, 0), 0);
	cr_assert_eq(access(file_of(getpid(), "twin-2"), R_OK), 0);
	cr_assert_eq(files(), 1);
	cr_assert_eq(ward_pool_destroy(two, 0), 0);
	cr_assert_eq(files(), 0);
}

Test(publish, a_name_is_no_path, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("../a b");
	struct ward_pool *pool = created(&config);

	cr_assert_eq(access(file_of(getpid(), ".._a_b"), R_OK), 0);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

Test(publish, what_a_dead_process_left_is_replaced, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("again");
	const char *path = file_of(getpid(), "again");
	int left = open(path, O_CREAT | O_RDWR | O_EXCL, 0600);
	struct ward_pool *pool;
	struct stat is;

	cr_assert_eq(write(left, "old", 3), 3);
	pool = created(&config);
	cr_assert_eq(fstat(left, &is), 0);
	cr_assert(is.st_nlink == 0 && is.st_size == 3, "written to");
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

/* Somebody with the same number elsewhere, whose folder this is too. */
Test(publish, a_file_of_another_is_not_unlinked, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("mine");
	struct ward_pool *pool = created(&config);
	const char *path = file_of(getpid(), "mine");

	cr_assert_eq(unlink(path), 0);
	cr_assert_geq(open(path, O_CREAT | O_RDWR | O_EXCL, 0600), 0);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
	cr_assert_eq(access(path, R_OK), 0);
}

Test(publish, a_memfd_where_there_is_no_folder)
{
	struct ward_pool_config config = config_of("nowhere");
	struct ward_pool *pool;
	struct found found;
	struct model model;
	int seals;

	setenv("WARD_PUBLISH_DIR", "/nowhere/at/all", 1);
	pool = created(&config);
	model = model_of(getpid(), &found);
	cr_assert_str_eq(model.page.pool, "nowhere");
	seals = fcntl(open(found.path, O_RDWR), F_GET_SEALS);
	cr_assert(seals & F_SEAL_SHRINK && seals & F_SEAL_GROW);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}

/* ---- what is told ------------------------------------------------------------------ */

static char said[128];
static _Atomic int32_t said_err;

static void hear(void *arg, const struct ward_report *report)
{
	(void)arg;
	if (report->kind != WARD_R_EVIDENCE || strncmp(report->what, "no ", 3))
		return;
	strcpy(said, report->what);
	store_release(&said_err, report->err);
}

static void works_and_tells(const char *what, int err)
{
	struct ward_pool_config config = config_of("told");
	struct ward_hooks hooks = { .report = hear };
	struct ward_pool *pool;

	config.hooks = &hooks;
	pool = started(&config);
	cr_assert(comes_true(load_acquire(&said_err)));
	cr_assert_str_eq(said, what);
	cr_assert_eq(load_relaxed(&said_err), err);
	ended(pool);
}

/* A page there may have to wait for the disk. */
Test(publish, a_folder_on_a_disk_is_not_taken)
{
	setenv("WARD_PUBLISH_DIR", "/proc/self", 1); /* which is not in memory */
	works_and_tells("no file for the page: it is a memfd", -EXDEV);
}

Test(publish, a_full_file_system, .init = in_dir, .fini = leave_dir)
{
	cr_assert(refuse_call(SYS_fallocate, ENOSPC));
	works_and_tells("no page is published", -ENOSPC);
	cr_assert_eq(files(), 0);
}

/* ---- what is in it ------------------------------------------------------------------- */

static _Atomic uint32_t let_go;

static int waits(struct ward_task *task)
{
	(void)task;
	while (!load_acquire(&let_go)) {
		ward_beat();
		host_yield();
	}
	return 0;
}

/* The row of the worker that runs a task of that name; NULL: none. */
static const struct ward_page_worker *worker_of(const struct model *model,
						const char *task)
{
	for (uint32_t i = 0; i < model->pool.workers.rows; i++)
		if (!strcmp(model->worker[i].task, task))
			return &model->worker[i];
	return NULL;
}

/* Reads until it is so; the model stays for the next look. */
#define shows(model, fd, condition)                                             \
	comes_true((model_free(model), !model_read(model, fd)) && (condition))

Test(publish, a_task_by_its_name, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("names");
	struct ward_pool *pool = started(&config);
	char *name = strdup("by another name");
	struct ward_task task = { .run = waits, .name = name };
	struct found found;
	struct model model = model_of(getpid(), &found);
	const struct ward_page_worker *worker;

	cr_assert_eq(ward_submit(pool, &task, 0), 0);
	/* It beats, when it is let run. */
	cr_assert(shows(&model, found.fd,
			(worker = worker_of(&model, name)) &&
				worker->silence == 0));
	cr_assert_eq(worker->doing, WARD_PAGE_RUN);
	cr_assert_eq(model.pool.state, WARD_PAGE_AWAKE);
	cr_assert_eq(model.stats.running, 1);
	store_release(&let_go, 1);
	/* All is parked: that is said, and then nothing more. */
	cr_assert(shows(&model, found.fd, model.pool.state == WARD_PAGE_ASLEEP));
	cr_assert_eq(model.stats.answered, 1);
	cr_assert_eq(model.stats.idle, 2);
	cr_assert_null(worker_of(&model, name));
	ended(pool);
	free(name);
	model_free(&model);
}

/* One after another: no thread stands in two rows, and each seat has one. */
static bool rows_are_sound(const struct model *model, uint32_t workers)
{
	for (uint32_t i = 0; i < model->pool.workers.rows; i++) {
		if (model->worker[i].seat != i || model->worker[i].tid <= 0)
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (model->worker[k].tid == model->worker[i].tid)
				return false;
	}
	return model->pool.workers.rows == workers;
}

Test(publish, a_pool_that_is_resized, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("size");
	struct ward_task task = { .run = waits };
	struct ward_pool *pool;
	struct found found;
	struct model model;

	config.workers = 1;
	config.max = 5;
	pool = started(&config);
	model = model_of(getpid(), &found);
	cr_assert_eq(ward_submit(pool, &task, 0), 0);
	cr_assert_eq(ward_pool_resize(pool, 5, 5), 0);
	cr_assert(shows(&model, found.fd, rows_are_sound(&model, 5)));
	cr_assert_eq(model.stats.least, 5);
	cr_assert_eq(ward_pool_resize(pool, 2, 2), 0);
	cr_assert(shows(&model, found.fd, model.pool.workers.rows == 2));
	store_release(&let_go, 1);
	cr_assert(shows(&model, found.fd, model.pool.state == WARD_PAGE_ASLEEP));
	cr_assert_eq(model.pool.workers.more, 0);
	ended(pool);
	model_free(&model);
}

Test(publish, more_workers_than_there_is_room, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("many");
	struct ward_task task = { .run = waits };
	struct ward_pool *pool;
	struct found found;
	struct model model;

	config.workers = PAGE_WORKERS + 4;
	pool = started(&config);
	model = model_of(getpid(), &found);
	cr_assert_eq(ward_submit(pool, &task, 0), 0);
	cr_assert(shows(&model, found.fd, model.pool.workers.more == 4));
	cr_assert(rows_are_sound(&model, PAGE_WORKERS));
	cr_assert_eq(model.stats.workers, PAGE_WORKERS + 4);
	store_release(&let_go, 1);
	ended(pool);
	model_free(&model);
}

static int falls(struct ward_task *task)
{
	(void)task;
	__builtin_trap();
}

/* Its thread is gone: another one stands in its row, and its name nowhere but in reports. */
Test(publish, a_fault_that_is_caught, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("fault");
	struct ward_task task[20];
	struct ward_pool *pool;
	struct found found;
	struct model model;

	config.flags |= WARD_POOL_CATCH_FAULTS;
	pool = started(&config);
	model = model_of(getpid(), &found);
	for (int i = 0; i < 20; i++) {
		task[i] = (struct ward_task){ .run = falls, .name = "falls" };
		cr_assert_eq(ward_submit(pool, &task[i], 0), 0);
	}
	cr_assert(shows(&model, found.fd,
			model.stats.faulted == 20 &&
				model.pool.state == WARD_PAGE_ASLEEP));
	cr_assert(rows_are_sound(&model, 2));
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(model.worker[i].doing, WARD_PAGE_PARKED);
		cr_assert_eq(model.worker[i].silence, 0);
		cr_assert_str_empty(model.worker[i].task);
	}
	cr_assert_eq(model.pool.zombies.rows, 0);
	cr_assert(shows(&model, found.fd, model.reports.reports.rows > 0));
	cr_assert_eq(model.report[0].kind, WARD_R_FAULT);
	cr_assert_str_eq(model.report[0].task, "falls");
	ended(pool);
	model_free(&model);
}

/* One is out, and one is stuck in its seat. */
Test(publish, a_degraded_pool, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("worn");
	struct job out = job_of_kind(job_sleep), stuck = out;
	const struct ward_page_worker *worker;
	struct ward_pool *pool;
	struct found found;
	struct model model;

	config.zombies = config.zombies_asleep = 1;
	pool = started(&config);
	model = model_of(getpid(), &found);
	out.task.policy = stuck.task.policy = &hasty;
	out.task.name = "out";
	stuck.task.name = "stuck";
	submitted(pool, &out);
	cr_assert(shows(&model, found.fd, model.pool.zombies.rows == 1));
	cr_assert_str_eq(model.zombie[0].task, "out");
	cr_assert_eq(model.zombie[0].flags, WARD_PAGE_SLEEPS);
	cr_assert_eq(model.stats.degraded, 0);
	submitted(pool, &stuck);
	cr_assert(shows(&model, found.fd,
			model.stats.degraded && worker_of(&model, "stuck")));
	worker = worker_of(&model, "stuck");
	cr_assert_eq(worker->doing, WARD_PAGE_RUN);
	cr_assert_gt(worker->silence, worker->blocked_within);
	cr_assert_eq(model.pool.zombies.rows, 1);
	cr_assert(rows_are_sound(&model, 2));
	gate_open(&out.gate);
	gate_open(&stuck.gate);
	cr_assert(shows(&model, found.fd,
			!model.stats.degraded && !model.pool.zombies.rows));
	ended(pool);
	model_free(&model);
}

Test(publish, no_names_where_memory_may_not_be_read, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("sandbox");
	struct ward_task task = { .run = waits, .name = "unseen" };
	struct ward_pool *pool;
	struct found found;
	struct model model;

	cr_assert(refuse_call(SYS_process_vm_readv, EPERM));
	pool = started(&config);
	model = model_of(getpid(), &found);
	cr_assert_eq(ward_submit(pool, &task, 0), 0);
	cr_assert(shows(&model, found.fd, model.stats.running == 1));
	cr_assert_eq(model.pool.workers.rows, 2);
	cr_assert_null(worker_of(&model, "unseen"));
	store_release(&let_go, 1);
	ended(pool);
	model_free(&model);
}

static int plain(struct ward_task *task)
{
	(void)task;
	return 0;
}

Test(publish, lanes_and_their_limits, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("lanes");
	struct ward_lane_config outer = WARD_LANE_CONFIG_INIT, inner = outer, paced = outer;
	struct ward_lane *lane[3];
	struct ward_pool *pool = started(&config);
	struct ward_limit limit, *limits[] = { &limit };
	struct ward_task task[3] = { { .run = plain }, { .run = plain }, { .run = plain } };
	struct found found;
	struct model model = model_of(getpid(), &found);

	cr_assert_eq(ward_limit_init(&limit, 0.001, 2), 0);
	outer.name = "outer";
	outer.active = 3;
	inner.name = "inner";
	paced.name = "paced";
	paced.queued = 7;
	paced.active = 2;
	paced.limits = limits;
	paced.nlimits = 1;
	cr_assert_eq(ward_lane_create(&lane[0], pool, &outer), 0);
	inner.under = lane[0];
	cr_assert_eq(ward_lane_create(&lane[1], pool, &inner), 0);
	cr_assert_eq(ward_lane_create(&lane[2], pool, &paced), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ward_lane_submit(lane[2], &task[i], 0), 0);
	/* Two have the tokens; one waits for the next. */
	cr_assert(shows(&model, found.fd,
			model.pool.lanes.rows == 3 && model.pool.limits.rows == 1 &&
				model.lane[0].inside == 1));
	cr_assert_str_eq(model.lane[0].name, "paced"); /* the newest first */
	cr_assert_eq(model.lane[0].queued, 7);
	cr_assert_eq(model.lane[0].width, 2);
	cr_assert_str_eq(model.lane[1].name, "inner");
	cr_assert_eq(model.lane[1].under, 2);
	cr_assert_str_eq(model.lane[2].name, "outer");
	cr_assert_eq(model.lane[2].width, 3);
	cr_assert_eq(model.lane[2].under, UINT32_MAX);
	cr_assert_eq(model.limit[0].lane, 0);
	cr_assert_eq(model.limit[0].burst, 2);
	cr_assert_eq(model.limit[0].tokens, 0);
	cr_assert_gt(model.limit[0].wait, 0);
	/* A lane that is destroyed is not shown any more. */
	cr_assert_eq(ward_lane_destroy(lane[1]), 0);
	cr_assert_eq(ward_lane_destroy(lane[0]), 0);
	cr_assert_eq(ward_task_cancel(pool, &task[2], 0), 0);
	cr_assert(shows(&model, found.fd, model.pool.lanes.rows == 1));
	ended(pool);
	model_free(&model);
}

Test(publish, more_lanes_than_there_is_room, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("many");
	struct ward_pool *pool = started(&config);
	struct ward_lane *lane[PAGE_LANES + 3];
	struct ward_task task = { .run = plain };
	struct found found;
	struct model model = model_of(getpid(), &found);

	for (int i = 0; i < PAGE_LANES + 3; i++)
		cr_assert_eq(ward_lane_create(&lane[i], pool, NULL), 0);
	cr_assert_eq(ward_lane_submit(lane[0], &task, 0), 0);
	cr_assert_eq(ward_lane_join(lane[0], WARD_FOREVER), 0);
	cr_assert(shows(&model, found.fd, model.pool.lanes.more == 3));
	cr_assert_eq(model.pool.lanes.rows, PAGE_LANES);
	ended(pool);
	model_free(&model);
}

/* Of a publication that took so long. */
/* It was convicted in this scan, and another is in its seat, in an epoch of that number. */
Test(publish, a_silence_is_not_shown_as_the_next_workers)
{
	struct slot *slot = host_alloc(2 * sizeof(*slot));
	const uint64_t word = slot_next(0, SLOT_RUN);
	struct history history = { .last = { .gen = 1, .word = word },
				   .silence.silence = 7,
				   .sampled_at = 1 };
	struct ward_page_worker row = { .silence = 0 };

	slot[1].index = 1;
	put_silence(&row, &history, &slot[1], word, 2);
	cr_assert_eq(row.silence, 0);
	put_silence(&row, &history, &slot[0], word, 2);
	cr_assert_eq(row.silence, 7 + 1);
	host_free(slot, 2 * sizeof(*slot));
}

Test(publish, how_often)
{
	cr_assert_eq(every_after(0), WARD_MS(100));
	cr_assert_eq(every_after(WARD_MS(3)), WARD_MS(150));
	cr_assert_eq(every_after(WARD_S(10)), WARD_S(1), "it was kept from running");
}

/* ---- its process ---------------------------------------------------------------------- */

static int both[2]; /* a pipe */

/* Says that it runs, and then hangs for good. */
static int is_left(struct ward_task *task)
{

	(void)task;
	(void)!write(both[1], "x", 1);
	for (;;)
		pause();
	return 0;
}

static pid_t child_with_a_page(int *from)
{
	static struct ward_task task = { .run = is_left, .name = "the last one" };
	struct ward_pool_config config = config_of("child");
	pid_t pid;
	char x;

	cr_assert_eq(pipe(both), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		struct ward_pool *pool = started(&config);

		if (ward_submit(pool, &task, 0))
			_exit(1);
		for (;;)
			pause();
	}
	cr_assert_eq(read(both[0], &x, 1), 1);
	*from = both[0];
	return pid;
}

Test(publish, what_a_killed_process_leaves, .init = in_dir, .fini = leave_dir)
{
	int from;
	pid_t pid = child_with_a_page(&from);
	struct found found;
	struct model model = model_of(pid, &found);

	cr_assert(shows(&model, found.fd, worker_of(&model, "the last one")));
	cr_assert_eq(fate_of(&model, &found), FATE_LIVES);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	/* Nobody has waited for it yet. */
	cr_assert(comes_true(fate_of(&model, &found) == FATE_DEAD));
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	model_free(&model);
	model = model_of(pid, &found);
	cr_assert_str_eq(found.path, file_of(pid, "child"));
	cr_assert(worker_of(&model, "the last one"));
	cr_assert_eq(fate_of(&model, &found), FATE_DEAD);
	model_free(&model);
}

static void *at_page(struct ward_pool *pool)
{
	return ((struct pool *)pool)->page.host.mem;
}

/* Is any of it mapped? */
static bool is_mapped(void *mem)
{
	unsigned char there;

	return mincore(mem, 1, &there) == 0;
}

Test(publish, a_forked_child_has_no_part_in_it, .init = in_dir, .fini = leave_dir)
{
	struct ward_pool_config config = config_of("fork");
	struct ward_pool *pool = started(&config);
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (is_mapped(at_page(pool)))
			_exit(1);
		if (ward_pool_destroy(pool, 0))
			_exit(2);
		_exit(files() == 1 ? 0 : 3);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert(is_mapped(at_page(pool)));
	cr_assert_eq(files(), 1);
	ended(pool);
	cr_assert_eq(files(), 0);
}

/* A memfd that a child inherits is its parent's page. */
Test(publish, a_childs_descriptors_show_no_page_of_its_own)
{
	struct ward_pool_config config = config_of("kin");
	struct finds finds = { .n = 0 };
	struct ward_pool *pool;
	pid_t pid;

	setenv("WARD_PUBLISH_DIR", "/nowhere", 1);
	pool = created(&config);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	cr_assert_eq(find_pid(&finds, pid), 0);
	cr_assert_eq(finds.n, 0);
	cr_assert_eq(find_pid(&finds, getpid()), 0);
	cr_assert_eq(finds.n, 1);
	find_free(&finds);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_assert_eq(ward_pool_destroy(pool, 0), 0);
}
