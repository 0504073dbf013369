/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glib_user - a program on GLib, which glib.sh runs on GLib's own thread pools and on ours.
 *
 *	glib_user STORY [LOG KIND]
 *
 * It ends with 0, and not before the log has a report of that kind; or with 1 and what is
 * not as it should be.
 */
#include "expect.h"

#include <dirent.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, MORE = 100, MANY = 20000 };

/* For what must come; glib.sh has an end to it. */
#define UNTIL(what)                                                            \
	while (!(what))                                                        \
	g_usleep(1000)

static gpointer number(unsigned n)
{
	return GUINT_TO_POINTER(n);
}

static GThreadPool *pool_of(GFunc func, int threads, gboolean exclusive)
{
	GThreadPool *pool = g_thread_pool_new(func, NULL, threads, exclusive, NULL);

	EXPECT(pool && pool->func == func && !pool->user_data);
	EXPECT(pool->exclusive == exclusive);
	return pool;
}

static void push(GThreadPool *pool, unsigned n)
{
	GError *error = NULL;

	EXPECT(g_thread_pool_push(pool, number(n), &error) && !error);
}

/* ---- functions that hang ------------------------------------------------------------ */

static int pipes[2];
static gint begun, late, done, freed;

/* The first THREADS items hang, until somebody writes; each leaves a sign of its end. */
static void hang(gpointer data, gpointer user_data)
{
	char byte;

	(void)user_data;
	if (GPOINTER_TO_UINT(data) > THREADS) {
		g_atomic_int_inc(&done);
		return;
	}
	g_atomic_int_inc(&begun);
	EXPECT(read(pipes[0], &byte, 1) == 1);
	g_atomic_int_inc(&late);
}

static void free_item(gpointer data)
{
	EXPECT(GPOINTER_TO_UINT(data) > 0);
	g_atomic_int_inc(&freed);
}

static GThreadPool *hung_pool_of(GFunc func, gboolean exclusive)
{
	GThreadPool *pool =
		g_thread_pool_new_full(func, NULL, free_item, THREADS, exclusive, NULL);

	begun = late = done = freed = 0;
	for (unsigned i = 1; i <= THREADS; i++)
		push(pool, i);
	UNTIL(g_atomic_int_get(&begun) == THREADS);
	return pool;
}

static GThreadPool *hung_pool(gboolean exclusive)
{
	return hung_pool_of(hang, exclusive);
}

static void push_more(GThreadPool *pool)
{
	for (unsigned i = 1; i <= MORE; i++)
		push(pool, THREADS + i);
}

static void let_go(void)
{
	EXPECT(write(pipes[1], "abcd", THREADS) == THREADS);
}

static const char *log_file, *kind;

static gboolean is_told(void)
{
	g_autofree char *text = NULL, *wanted = g_strdup_printf("\"kind\":\"%s\"", kind);

	return g_file_get_contents(log_file, &text, NULL, NULL) && strstr(text, wanted);
}

static void one_heals(gboolean exclusive)
{
	GThreadPool *pool = hung_pool(exclusive);

	push_more(pool);
	UNTIL(g_atomic_int_get(&done) == MORE);
	EXPECT(late == 0 && g_thread_pool_unprocessed(pool) == 0);
	let_go();
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(late == THREADS && begun == THREADS && done == MORE && freed == 0);
}

/* All threads hang; all else is done; then they come home, and the pool's end knew it. */
static void healed(void)
{
	one_heals(FALSE);
	one_heals(TRUE);
}

/* More hang than may: those keep their places, the others are made up for. */
static void degraded(void)
{
	GThreadPool *pool = hung_pool(FALSE);

	push_more(pool);
	UNTIL(g_atomic_int_get(&done) == MORE && is_told());
	let_go();
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(late == THREADS && done == MORE);
}

/* The same on GLib's own: nothing is done. */
static void stock(void)
{
	push_more(hung_pool(FALSE));
	g_usleep(1000000);
	EXPECT(done == 0);
	puts("nothing done");
}

static void *let_go_later(void *arg)
{
	UNTIL(g_atomic_int_get(&done) == MORE);
	g_usleep(20000); /* so that the end has begun */
	let_go();
	return arg;
}

/* An end that waits, waits for those that are late; one that does not leaves it to them. */
static void one_ends(gboolean exclusive, gboolean wait)
{
	GThreadPool *pool = hung_pool(exclusive);
	pthread_t other;

	push_more(pool);
	EXPECT(!pthread_create(&other, NULL, let_go_later, NULL));
	UNTIL(g_atomic_int_get(&done) == MORE);
	g_thread_pool_free(pool, FALSE, wait);
	EXPECT(!wait || late == THREADS);
	EXPECT(!pthread_join(other, NULL));
	UNTIL(g_atomic_int_get(&late) == THREADS);
	EXPECT(freed == 0);
}

static void ends_healed(void)
{
	one_ends(FALSE, TRUE);
	one_ends(FALSE, FALSE);
	one_ends(TRUE, TRUE);
	one_ends(TRUE, FALSE);
}

/* The process ends, whatever hangs. */
static void ends(void)
{
	push_more(hung_pool(FALSE));
	exit(0);
}

static void leave_or_count(gpointer data, gpointer user_data)
{
	(void)user_data;
	if (GPOINTER_TO_UINT(data) <= MORE)
		pthread_exit(NULL);
	g_atomic_int_inc(&done);
}

/* A thread that ends in a function loses that item; another takes its place. */
static void dies(void)
{
	GThreadPool *pool = pool_of(leave_or_count, THREADS, FALSE);

	for (unsigned i = 1; i <= 2 * MORE; i++)
		push(pool, i);
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(done == MORE);
}

static gint may_go, inside, most;

static void spin(gpointer data, gpointer user_data)
{
	(void)user_data;
	if (GPOINTER_TO_UINT(data) > THREADS)
		g_atomic_int_inc(&done);
	else
		while (!g_atomic_int_get(&may_go))
			;
}

/* What keeps its CPU is made up for, too. */
static void spins(void)
{
	GThreadPool *pool = pool_of(spin, THREADS, FALSE);

	for (unsigned i = 1; i <= THREADS + MORE; i++)
		push(pool, i);
	UNTIL(g_atomic_int_get(&done) == MORE);
	g_atomic_int_set(&may_go, 1);
	g_thread_pool_free(pool, FALSE, TRUE);
}

/* ---- order ---------------------------------------------------------------------------- */

static unsigned seen[MORE], nseen;

static void note(gpointer data, gpointer user_data)
{
	(void)user_data;
	UNTIL(g_atomic_int_get(&may_go));
	seen[nseen++] = GPOINTER_TO_UINT(data);
}

/* By tens, so that some are equal. */
static gint by_tens(gconstpointer a, gconstpointer b, gpointer user_data)
{
	EXPECT(user_data == &done);
	return (gint)(GPOINTER_TO_UINT(a) / 10) - (gint)(GPOINTER_TO_UINT(b) / 10);
}

static void expect_order(GThreadPool *pool, const unsigned *wanted, unsigned n)
{
	EXPECT(g_thread_pool_unprocessed(pool) == n - 1);
	g_atomic_int_set(&may_go, 1);
	UNTIL(g_thread_pool_unprocessed(pool) == 0);
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(nseen == n && !memcmp(seen, wanted, n * sizeof(*seen)));
	nseen = 0;
	may_go = 0;
}

/* One thread that has an item, so that all others wait. */
static GThreadPool *gate(void)
{
	GThreadPool *pool = pool_of(note, 1, FALSE);

	push(pool, 1);
	UNTIL(g_thread_pool_unprocessed(pool) == 0);
	return pool;
}

/* As they come; as the user says, and of what is equal first what came first; and what is
 * moved to the front. */
static void order(void)
{
	static const unsigned came[] = { 1, 31, 12, 25, 11, 30, 10 };
	static const unsigned sorted[] = { 1, 12, 11, 10, 25, 31, 30 };
	static const unsigned moved[] = { 1, 30, 12, 11, 19, 25, 31, 32 };
	unsigned n = G_N_ELEMENTS(came);
	GThreadPool *pool = gate();

	for (unsigned i = 1; i < n; i++)
		push(pool, came[i]);
	expect_order(pool, came, n);

	pool = gate();
	g_thread_pool_set_sort_function(pool, by_tens, &done);
	for (unsigned i = 1; i < n; i++)
		push(pool, came[i]);
	expect_order(pool, sorted, n);

	pool = gate();
	for (unsigned i = 1; i < n - 1; i++)
		push(pool, came[i]);
	g_thread_pool_set_sort_function(pool, by_tens, &done);
	EXPECT(g_thread_pool_move_to_front(pool, number(30)));
	EXPECT(!g_thread_pool_move_to_front(pool, number(99)));
	push(pool, 19);
	push(pool, 32);
	expect_order(pool, moved, n + 1);
}

/* ---- widths --------------------------------------------------------------------------- */

/* One goes for each that may. */
static gboolean may_leave(void)
{
	gint n = g_atomic_int_get(&may_go);

	return n > 0 && g_atomic_int_compare_and_exchange(&may_go, n, n - 1);
}

static void enter(void)
{
	gint now = g_atomic_int_add(&inside, 1) + 1, high = g_atomic_int_get(&most);

	while (high < now && !g_atomic_int_compare_and_exchange(&most, high, now))
		high = g_atomic_int_get(&most);
}

static void leave(void)
{
	g_atomic_int_add(&inside, -1);
	g_atomic_int_inc(&done);
}

static void meet(gpointer data, gpointer user_data)
{
	(void)data;
	(void)user_data;
	enter();
	UNTIL(may_leave());
	leave();
}

static void expect_width(gint n)
{
	UNTIL(g_atomic_int_get(&inside) == n);
	g_usleep(20000);
	EXPECT(g_atomic_int_get(&inside) == n);
}

/* As many at once as are allowed; more, and fewer, while they are at work. */
static void one_width(gboolean exclusive)
{
	GThreadPool *pool = pool_of(meet, 3, exclusive);

	done = most = may_go = 0;
	EXPECT(g_thread_pool_get_num_threads(pool) == (exclusive ? 3 : 0));
	for (unsigned i = 1; i <= MORE; i++)
		push(pool, i);
	expect_width(3);
	EXPECT(g_thread_pool_set_max_threads(pool, 7, NULL));
	expect_width(7);
	EXPECT(g_thread_pool_get_max_threads(pool) == 7);
	EXPECT(g_thread_pool_get_num_threads(pool) == 7);
	EXPECT(g_thread_pool_unprocessed(pool) == MORE - 7);
	EXPECT(g_thread_pool_set_max_threads(pool, 2, NULL));
	expect_width(7);
	g_atomic_int_set(&may_go, 7);
	UNTIL(g_atomic_int_get(&done) == 7);
	expect_width(2);
	g_atomic_int_set(&may_go, MORE);
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(done == MORE && most == 7);
}

/* Items that wait for each other: each has a thread at once. */
static void any_width(void)
{
	GThreadPool *pool = pool_of(meet, -1, FALSE);

	done = most = may_go = 0;
	for (unsigned i = 1; i <= 3 * MORE; i++)
		push(pool, i);
	expect_width(3 * MORE);
	g_atomic_int_set(&may_go, 3 * MORE);
	g_thread_pool_free(pool, FALSE, TRUE);
}

/* No thread at all, until there may be some. */
static void no_width(void)
{
	GThreadPool *pool = pool_of(meet, 0, FALSE);

	done = 0;
	may_go = MORE;
	for (unsigned i = 1; i <= MORE; i++)
		push(pool, i);
	expect_width(0);
	EXPECT(g_thread_pool_unprocessed(pool) == MORE && done == 0);
	EXPECT(g_thread_pool_set_max_threads(pool, 1, NULL));
	UNTIL(g_atomic_int_get(&done) == MORE);
	g_thread_pool_free(pool, TRUE, TRUE);
}

/* Those that do not hang while others do: they keep a CPU, for who sleeps beyond his
 * budget loses his place. */
static void hang_or_stay(gpointer data, gpointer user_data)
{
	if (GPOINTER_TO_UINT(data) <= THREADS) {
		hang(data, user_data);
		return;
	}
	enter();
	while (!may_leave())
		g_thread_yield();
	leave();
}

static void set_width(GThreadPool *pool, gint n, gint inside_then)
{
	EXPECT(g_thread_pool_set_max_threads(pool, n, NULL));
	expect_width(inside_then);
}

/* Fewer and more are counted without those that are late, also once they come home. */
static void one_resized(gboolean exclusive)
{
	GThreadPool *pool = hung_pool_of(hang_or_stay, exclusive);

	most = may_go = 0;
	push_more(pool);
	set_width(pool, 1, 1);
	set_width(pool, 5, 5);
	EXPECT(g_thread_pool_get_num_threads(pool) == 5);
	set_width(pool, 1, 5);
	g_atomic_int_set(&may_go, 5);
	UNTIL(g_atomic_int_get(&done) == 5);
	expect_width(1);
	EXPECT(late == 0);
	let_go();
	UNTIL(g_atomic_int_get(&late) == THREADS);
	expect_width(1);
	set_width(pool, 2, 2);
	EXPECT(g_thread_pool_get_num_threads(pool) == 2);
	g_atomic_int_set(&may_go, MORE);
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(done == MORE && most == 5);
}

static void resized(void)
{
	one_resized(FALSE);
	one_resized(TRUE);
}

static void widths(void)
{
	one_width(FALSE);
	one_width(TRUE);
	any_width();
	no_width();
}

/* ---- threads -------------------------------------------------------------------------- */

static gint ended;

static void thread_ends(gpointer data)
{
	EXPECT(data == &ended);
	g_atomic_int_inc(&ended);
}

static GPrivate private = G_PRIVATE_INIT(thread_ends);

static void look_around(gpointer data, gpointer user_data)
{
	struct rlimit limit;
	pthread_attr_t attr;
	sigset_t mask;
	size_t stack;
	char name[16];

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (int signo = 1; signo < SIGRTMIN; signo++)
		EXPECT(sigismember(&mask, signo) == (signo == SIGUSR2));
	getrlimit(RLIMIT_STACK, &limit);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &stack);
	pthread_attr_destroy(&attr);
	EXPECT(limit.rlim_cur == RLIM_INFINITY || stack >= limit.rlim_cur);
	EXPECT(!pthread_getname_np(pthread_self(), name, sizeof(name)));
	EXPECT(!strcmp(name, "pool-glib_user") || !strcmp(name, "pool-lt-glib_us"));
	if (!g_private_get(&private))
		g_private_set(&private, &ended);
	meet(data, user_data);
}

/*
 * Threads have their maker's signals, stack enough, GLib's name and their private data;
 * they are unused for a while, are told to stop, and their data is destroyed.
 */
static void threads(void)
{
	GThreadPool *pool = pool_of(look_around, -1, FALSE);
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	g_set_prgname("glib_user");
	g_thread_pool_set_max_unused_threads(-1);
	g_thread_pool_set_max_idle_time(0);
	EXPECT(g_thread_pool_get_max_unused_threads() == -1);
	EXPECT(g_thread_pool_get_max_idle_time() == 0);
	for (unsigned i = 1; i <= 20; i++)
		push(pool, i);
	expect_width(20);
	g_atomic_int_set(&may_go, 20);
	UNTIL(g_thread_pool_get_num_threads(pool) == 0 &&
	      g_thread_pool_get_num_unused_threads() == 20);
	EXPECT(ended == 0);
	g_thread_pool_set_max_unused_threads(5);
	UNTIL(g_atomic_int_get(&ended) >= 15 - 1 &&
	      g_thread_pool_get_num_unused_threads() == 5);
	g_thread_pool_stop_unused_threads();
	UNTIL(g_atomic_int_get(&ended) >= 20 - 2 &&
	      g_thread_pool_get_num_unused_threads() == 0);
	EXPECT(g_thread_pool_get_max_unused_threads() == 5);
	g_thread_pool_free(pool, TRUE, TRUE);
}

/* ---- ends ------------------------------------------------------------------------------ */

static GThreadPool *full_gate(void)
{
	GThreadPool *pool = g_thread_pool_new_full(meet, NULL, free_item, 1, FALSE, NULL);

	done = freed = may_go = 0;
	for (unsigned i = 1; i <= MORE; i++)
		push(pool, i);
	UNTIL(g_thread_pool_unprocessed(pool) == MORE - 1);
	return pool;
}

static void *open_gate(void *arg)
{
	g_usleep(20000);
	g_atomic_int_set(&may_go, MORE);
	return arg;
}

/* At once: what has begun is done, the rest is freed; or all is done.  With a wait, or
 * without. */
static void frees(void)
{
	pthread_t other;

	for (unsigned how = 0; how < 4; how++) {
		gboolean immediate = how & 1, wait = how >> 1;
		GThreadPool *pool = full_gate();

		EXPECT(!pthread_create(&other, NULL, open_gate, NULL));
		g_thread_pool_free(pool, immediate, wait);
		EXPECT(!wait || done == (immediate ? 1 : MORE));
		EXPECT(!pthread_join(other, NULL));
		UNTIL(g_atomic_int_get(&done) == (immediate ? 1 : MORE));
		UNTIL(g_atomic_int_get(&freed) == (immediate ? MORE - 1 : 0));
	}
}

static void count(gpointer data, gpointer user_data)
{
	(void)data;
	(void)user_data;
	g_atomic_int_inc(&done);
}

/* A pool of its own is ended by its own function. */
static void free_own(gpointer data, gpointer user_data)
{
	(void)user_data;
	g_thread_pool_free(*(GThreadPool **)data, FALSE, FALSE);
	g_atomic_int_inc(&done);
}

static void frees_inside(void)
{
	GThreadPool *pools[2 * MORE];

	for (unsigned i = 0; i < 2 * MORE; i++) {
		pools[i] = pool_of(free_own, 1 + (int)i % 3, i % 8 == 0);
		EXPECT(g_thread_pool_push(pools[i], &pools[i], NULL));
	}
	UNTIL(g_atomic_int_get(&done) == 2 * MORE);
}

static void *pusher(void *pool)
{
	for (unsigned i = 1; i <= MANY / 4; i++)
		push(pool, i);
	return NULL;
}

/* Many threads push, the width changes meanwhile, and pools come and go. */
static void storm(void)
{
	GThreadPool *pool = pool_of(count, 3, FALSE);
	pthread_t pushers[4];

	for (int i = 0; i < 4; i++)
		EXPECT(!pthread_create(&pushers[i], NULL, pusher, pool));
	for (int i = 1; i <= 200; i++) {
		GThreadPool *brief = pool_of(count, 2, FALSE);

		EXPECT(g_thread_pool_set_max_threads(pool, i % 7 ? i % 7 : -1, NULL));
		push(brief, 1);
		g_thread_pool_free(brief, FALSE, i % 2);
	}
	for (int i = 0; i < 4; i++)
		EXPECT(!pthread_join(pushers[i], NULL));
	EXPECT(g_thread_pool_set_max_threads(pool, 2, NULL));
	g_thread_pool_free(pool, FALSE, TRUE);
	UNTIL(g_atomic_int_get(&done) == MANY + 200);
}

/* ---- fork ------------------------------------------------------------------------------- */

static void in_child(GThreadPool *pool, GThreadPool *own)
{
	GThreadPool *fresh = pool_of(hang, 2, FALSE);

	EXPECT(g_thread_pool_unprocessed(pool) == 0);
	done = 0;
	push_more(pool);
	push_more(own);
	push_more(fresh);
	g_thread_pool_free(pool, FALSE, TRUE);
	g_thread_pool_free(own, FALSE, TRUE);
	g_thread_pool_free(fresh, FALSE, TRUE);
	EXPECT(done == 3 * MORE);
	exit(0);
}

static void fork_and_exec(gpointer data, gpointer user_data)
{
	int status;
	pid_t child = fork();

	(void)data;
	(void)user_data;
	if (child == 0) {
		execlp("true", "true", NULL);
		_exit(1);
	}
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	g_atomic_int_inc(&done);
}

/* A child has threads of its own, though the parent's hang; and items fork. */
static void forks(void)
{
	GThreadPool *pool = hung_pool(FALSE), *own = pool_of(hang, 2, TRUE), *forking;
	int status;
	pid_t child;

	push_more(pool);
	child = fork();
	EXPECT(child >= 0);
	if (child == 0)
		in_child(pool, own);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	UNTIL(g_atomic_int_get(&done) == MORE);
	done = 0;
	forking = pool_of(fork_and_exec, 4, FALSE);
	for (unsigned i = 1; i <= 20; i++)
		push(forking, i);
	g_thread_pool_free(forking, FALSE, TRUE);
	EXPECT(done == 20);
	let_go();
	g_thread_pool_free(pool, FALSE, TRUE);
	g_thread_pool_free(own, FALSE, TRUE);
}

/* ---- no threads --------------------------------------------------------------------------- */

/* Where there is no thread that is said, and what was pushed is done when there is one. */
static void alone(void)
{
	struct rlimit little = { 1 << 26, 1 << 26 }, enough;
	GThreadPool *pool = pool_of(count, 2, FALSE);
	GError *error = NULL;

	getrlimit(RLIMIT_AS, &enough);
	little.rlim_max = enough.rlim_max;
	EXPECT(!setrlimit(RLIMIT_AS, &little));
	EXPECT(!g_thread_pool_push(pool, number(1), &error));
	EXPECT(g_error_matches(error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN));
	EXPECT(g_thread_pool_unprocessed(pool) == 1);
	EXPECT(!setrlimit(RLIMIT_AS, &enough));
	push(pool, 2);
	g_thread_pool_free(pool, FALSE, TRUE);
	EXPECT(done == 2);
}

/* ---- GIO ------------------------------------------------------------------------------------ */

enum { FILES = 12 };
static GMainLoop *loop;
static char *folder;
static int answers, opened;

static const char *path_of(unsigned i)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%u", folder, i);
	return path;
}

static void info_done(GObject *file, GAsyncResult *result, gpointer data)
{
	g_autoptr(GFileInfo) info = g_file_query_info_finish(G_FILE(file), result, NULL);

	EXPECT(info && !data && opened == 0);
	if (++answers == MORE)
		g_main_loop_quit(loop);
}

static void open_done(GObject *file, GAsyncResult *result, gpointer data)
{
	g_autoptr(GFileInputStream) stream = g_file_read_finish(G_FILE(file), result, NULL);

	EXPECT(stream && !data);
	if (++opened == FILES)
		g_main_loop_quit(loop);
}

/*
 * All of GIO's threads hang in open(), and two files more wait: other requests are
 * answered; then a writer comes, and they are opened.
 */
static void gio(void)
{
	g_autoptr(GFile) root = g_file_new_for_path("/");

	folder = g_dir_make_tmp(NULL, NULL);
	loop = g_main_loop_new(NULL, FALSE);
	for (unsigned i = 0; i < FILES; i++) {
		g_autoptr(GFile) pipe = NULL;

		EXPECT(!mkfifo(path_of(i), 0600));
		pipe = g_file_new_for_path(path_of(i));
		g_file_read_async(pipe, G_PRIORITY_DEFAULT, NULL, open_done, NULL);
	}
	for (unsigned i = 0; i < MORE; i++)
		g_file_query_info_async(root, G_FILE_ATTRIBUTE_STANDARD_SIZE,
					G_FILE_QUERY_INFO_NONE, G_PRIORITY_DEFAULT, NULL,
					info_done, NULL);
	g_main_loop_run(loop);
	for (unsigned i = 0; i < FILES; i++)
		EXPECT(open(path_of(i), O_RDWR | O_CLOEXEC) >= 0);
	g_main_loop_run(loop);
	for (unsigned i = 0; i < FILES; i++)
		EXPECT(!g_unlink(path_of(i)));
	EXPECT(!g_rmdir(folder));
}

static void deeper(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
	unsigned depth = GPOINTER_TO_UINT(data);
	g_autoptr(GTask) next = NULL;

	(void)source;
	(void)cancellable;
	if (depth) {
		next = g_task_new(NULL, NULL, NULL, NULL);
		g_task_set_task_data(next, number(depth - 1), NULL);
		g_task_run_in_thread_sync(next, deeper);
		EXPECT(g_task_propagate_int(next, NULL) == (gssize)depth - 1);
	}
	g_task_return_int(task, (gssize)depth);
}

/* Tasks that wait for tasks, deeper than GIO has threads. */
static void nested(void)
{
	g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);

	g_task_set_task_data(task, number(15), NULL);
	g_task_run_in_thread_sync(task, deeper);
	EXPECT(g_task_propagate_int(task, NULL) == 15);
}

static const struct {
	const char *name;
	void (*run)(void);
} stories[] = {
	{ "healed", healed },
	{ "degraded", degraded },
	{ "stock", stock },
	{ "ends", ends },
	{ "ends_healed", ends_healed },
	{ "dies", dies },
	{ "spins", spins },
	{ "order", order },
	{ "widths", widths },
	{ "resized", resized },
	{ "threads", threads },
	{ "frees", frees },
	{ "frees_inside", frees_inside },
	{ "storm", storm },
	{ "forks", forks },
	{ "alone", alone },
	{ "gio", gio },
	{ "nested", nested },
};

int main(int argc, char **argv)
{
	if (argc < 2 || pipe(pipes))
		return 2;
	log_file = argc > 3 ? argv[2] : NULL;
	kind = argc > 3 ? argv[3] : NULL;
	for (size_t i = 0; i < G_N_ELEMENTS(stories); i++)
		if (!strcmp(argv[1], stories[i].name)) {
			stories[i].run();
			UNTIL(!kind || is_told());
			return 0;
		}
	return 2;
}
