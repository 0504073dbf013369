/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a process ends, or seems to: drained, destroyed with threads inside, forked, stopped
 * and continued, killed, cut off; and the pool or the stream under it.
 */
#include "../sanitizers.h"
#include "base/host.h"
#include "filter.h"
#include "nats_queue.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

NATS_IS_THERE;

/* Seen by a child process, too. */
struct shared {
	_Atomic int open, runs;
	struct ward_nats_stats stats;
	_Atomic int counted; /* how often 'stats' were */
	char url[CLUSTER_URLS];
	_Atomic uint32_t go;
	_Atomic int said[8]; /* by create, to processes that are refused something */
};
static struct shared *shared;
static struct ward_pool *pool;
static struct ward_nats *nats;
static struct ward_nats_config config;

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
}

static int echo(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	shared->runs++;
	m->out_size = (uint32_t)snprintf(m->out, m->out_max, "%.*s by %u", (int)m->size,
					 (const char *)m->data, (unsigned)m->delivery);
	return 0;
}

/* With a sign of life now and then, until the test opens it; deaf to all else. */
static int wait_open(void *arg, struct ward_nats_message *m)
{
	shared->runs++;
	while (!shared->open) {
		nats_Sleep(1);
		ward_beat();
	}
	shared->runs--;
	return echo(arg, m);
}

/* Silent: it is convicted. */
static int hang(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	(void)m;
	while (!shared->open)
		nats_Sleep(1);
	return 0;
}

static void begin(int (*run)(void *, struct ward_nats_message *), ward_ns ack_wait,
		  uint32_t workers)
{
	share();
	server_begin(ack_wait);
	pool = pool_of(workers);
	config = config_of(pool);
	config.run = run;
	nats = nats_of(&config);
}

static void finish(void)
{
	nats_end(nats, pool);
	server_end();
}

/* Another process has all that is left. */
static void others_do_the_rest(uint64_t n)
{
	struct ward_nats *other;

	config.pool = pool_of(2);
	config.run = echo;
	other = nats_of(&config);
	soon(left() == 0);
	cr_assert(comes_true(counted(other).done == n),
		  "done %lu of %lu; already %lu, fenced %lu, dead %lu, lost %lu, came %lu",
		  counted(other).done, n, counted(other).already, counted(other).fenced,
		  counted(other).dead, counted(other).lost, counted(other).fetched);
	nats_end(other, config.pool);
}

/* ---- drained --------------------------------------------------------------------- */

Test(nats_ends, drained_before_all_have_ended)
{
	begin(wait_open, LONG, 2);
	put(10);
	soon(counted(nats).in_flight == 10 && counted(nats).running == 2);
	cr_assert_eq(ward_nats_drain(nats, ward_in(WARD_MS(50))), -ETIMEDOUT);
	/* Nothing is this process's, and two threads are still inside. */
	cr_assert_eq(counted(nats).in_flight, 0);
	cr_assert_eq(counted(nats).handed_back, 10);
	cr_assert_eq(counted(nats).unrun, 8);
	soon(counted(nats).zombies == 2);
	others_do_the_rest(10);
	shared->open = 1;
	soon(counted(nats).zombies == 0);
	cr_assert_eq(counted(nats).results, 0);
	finish();
}

static int nap(void *arg, struct ward_nats_message *m)
{
	nats_Sleep(1);
	return echo(arg, m);
}

/* Whatever ends just then ends once: as done, or handed back. */
Test(nats_ends, drained_while_they_end)
{
	struct ward_nats *other;

	begin(nap, LONG, 2);
	put(100);
	soon(counted(nats).done > 10);
	cr_assert_neq(ward_nats_drain(nats, WARD_NOWAIT), -ENOTCONN);
	cr_assert_eq(counted(nats).in_flight, 0);
	adds_up(nats);
	config.pool = pool_of(2);
	other = nats_of(&config);
	soon(left() == 0);
	cr_assert_eq(stream_count(QUEUE_RESULTS_STREAM), 100);
	nats_end(other, config.pool);
	soon(counted(nats).zombies == 0);
	finish();
}

/* Asked to stop; it says so as it looks. */
static int wait_told(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	(void)m;
	while (!ward_check())
		nats_Sleep(1);
	return -ECANCELED;
}

Test(nats_ends, who_listens_is_told_of_the_drain)
{
	begin(wait_told, LONG, 1);
	put(1);
	soon(counted(nats).running == 1);
	cr_assert_eq(ward_nats_drain(nats, WARD_NOWAIT), -ETIMEDOUT);
	soon(counted(nats).zombies == 0);
	cr_assert_eq(counted(nats).handed_back, 1);
	finish();
}

static void *open_soon(void *arg)
{
	(void)arg;
	soon(counted(nats).in_flight == 2);
	shared->open = 1;
	return NULL;
}

Test(nats_ends, drained_in_time)
{
	pthread_t opener;

	begin(wait_open, LONG, 2);
	put(10);
	soon(counted(nats).in_flight == 10 && counted(nats).running == 2);
	cr_assert_eq(pthread_create(&opener, NULL, open_soon, NULL), 0);
	cr_assert_eq(ward_nats_drain(nats, ward_in(IN_TIME)), 0);
	pthread_join(opener, NULL);
	cr_assert_eq(counted(nats).done, 2);
	cr_assert_eq(counted(nats).unrun, 8);
	cr_assert_eq(counted(nats).asked, 0);
	soon(left() == 8);
	others_do_the_rest(8);
	finish();
}

Test(nats_ends, destroyed_with_threads_inside)
{
	begin(hang, LONG, 1);
	put(1);
	soon(counted(nats).lost >= 1);
	soon(counted(nats).zombies >= 1);
	cr_assert_geq(ward_nats_destroy(nats, WARD_NOWAIT), 1);
	others_do_the_rest(1);
	cr_assert_geq(ward_pool_destroy(pool, WARD_NOWAIT), 1);
	shared->open = 1;
	server_end();
}

static int call_all(struct ward_task *task)
{
	(void)task;
	cr_assert_eq(ward_nats_drain(nats, WARD_NOWAIT), -EDEADLK);
	cr_assert_eq(ward_nats_destroy(nats, WARD_NOWAIT), -EDEADLK);
	return 0;
}

Test(nats_ends, not_by_a_task)
{
	struct ward_task task = WARD_TASK_INIT(call_all);

	begin(echo, LONG, 1);
	cr_assert_eq(ward_submit(pool, &task, WARD_NOWAIT), 0);
	put(1);
	soon(counted(nats).done == 1);
	finish();
}

/* ---- forked ---------------------------------------------------------------------- */

Test(nats_ends, a_child_has_none)
{
	struct ward_nats_stats stats = WARD_NATS_STATS_INIT;
	struct ward_nats *other;
	int status;
	pid_t child;

	begin(echo, LONG, 1);
	child = fork();
	if (child == 0)
		_exit(ward_nats_stats(nats, &stats) != -ECHILD ||
		      ward_nats_drain(nats, WARD_NOWAIT) != -ECHILD ||
		      ward_nats_create(&other, &config) != -ECHILD ||
		      ward_nats_destroy(nats, WARD_NOWAIT) != 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	put(3);
	soon(counted(nats).done == 3);
	finish();
}

/* While messages run; a child ends as it likes. */
Test(nats_ends, forked_again_and_again)
{
	int status;
	pid_t child;

	begin(nap, LONG, 2);
	put(100);
	for (int i = 0; i < 20; i++) {
		child = fork();
		if (child == 0)
			_exit(i % 2 && ward_nats_destroy(nats, WARD_NOWAIT));
		cr_assert_eq(waitpid(child, &status, 0), child);
		cr_assert_eq(status, 0);
	}
	soon(counted(nats).done == 100);
	cr_assert_eq(counted(nats).disconnects, 0);
	cr_assert_eq(counted(nats).redelivered, 0);
	finish();
}

/* ---- stopped, killed ------------------------------------------------------------- */

/* A child begins when its parent has what it needs, which comes with threads. */
static void wait_for_go(void)
{
	while (!shared->go)
		host_wait_shared(&shared->go, 0, HOST_FOREVER);
}

static void go(void)
{
	shared->go = 1;
	host_wake_shared(&shared->go, INT32_MAX);
}

/* A process of its own, which has one message at a time. */
static pid_t process(void)
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with the test */
	wait_for_go();
	strcpy(url, shared->url);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = wait_open;
	config.in_flight = 1;
	nats = nats_of(&config);
	for (;;) {
		shared->stats = counted(nats);
		shared->counted++;
		usleep(1000);
	}
}

/* Its numbers from now on. */
static struct ward_nats_stats counted_there(void)
{
	int seen = shared->counted;

	soon(shared->counted > seen + 1);
	return shared->stats;
}

static pid_t process_with_one(void)
{
	pid_t child;

	share();
	child = process();
	server_begin(SHORT);
	put(1);
	strcpy(shared->url, url);
	go();
	soon(shared->runs == 1);
	return child;
}

static void end_process(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	server_end();
}

/* Longer than its ack wait: another one has done the message, and it is refused. */
Test(nats_ends, stopped_and_too_late)
{
	pid_t child = process_with_one();

	kill(child, SIGSTOP);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	shared->open = 1;
	kill(child, SIGCONT);
	soon(counted_there().fenced == 1);
	cr_assert_eq(counted_there().results, 0);
	cr_assert_str_eq(result_of("1"), "m1 by 2");
	nats_end(nats, pool);
	end_process(child);
}

/* Nobody else had it: its work counts. */
Test(nats_ends, stopped_and_still_the_only_one)
{
	pid_t child = process_with_one();

	kill(child, SIGSTOP);
	nats_Sleep(2 * SHORT / 1000000);
	kill(child, SIGCONT);
	shared->open = 1;
	soon(counted_there().done == 1);
	soon(left() == 0);
	cr_assert_str_eq(result_of("1"), "m1 by 1");
	end_process(child);
}

Test(nats_ends, killed)
{
	pid_t child = process_with_one();

	kill(child, SIGKILL);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	cr_assert_str_eq(result_of("1"), "m1 by 2");
	nats_end(nats, pool);
	end_process(child);
}

/* ---- a kernel that refuses ------------------------------------------------------- */

static const struct refused {
	unsigned nr, err;
	int said; /* by create, if it was so before */
} refused[] = {
	{ SYS_socket, EMFILE, -EHOSTUNREACH },
	{ SYS_connect, EPERM, -EHOSTUNREACH },
	{ SYS_sendto, EPERM, -EHOSTUNREACH },
	{ SYS_clone3, EAGAIN, -EAGAIN },
#if !UNDER_ASAN /* which cannot do without */
	{ SYS_mmap, ENOMEM, -ENOMEM },
#endif
	{ SYS_recvfrom, ENOMEM, -EHOSTUNREACH }, /* later each step waits for its end */
};
enum { REFUSED = sizeof(refused) / sizeof(refused[0]), LATER = REFUSED - 1 };

static void create(int i)
{
	strcpy(url, shared->url);
	config = config_of(pool);
	config.run = wait_open;
	config.in_flight = 1;
	shared->said[i] = ward_nats_create(&nats, &config);
}

static void refused_before(int i)
{
	pool = pool_of(1);
	if (!refuse_with(refused[i].nr, refused[i].err, 0))
		_exit(2);
	create(i);
}

/* As its message runs; it ends in good order all the same. */
static void refused_later(int i)
{
	pool = pool_of(1);
	create(i);
	if (!comes_true(counted(nats).running))
		_exit(9);
	if (!refuse_with(refused[i].nr, refused[i].err, SECCOMP_FILTER_FLAG_TSYNC))
		_exit(2);
	if (ward_nats_drain(nats, ward_in(WARD_MS(10))) == 0)
		_exit(3); /* it ran */
	if (ward_nats_destroy(nats, WARD_NOWAIT) < 0)
		_exit(4);
}

static pid_t process_refused(int i, void (*is)(int i))
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	wait_for_go();
	is(i);
	_exit(0);
}

/* n of them at once, with a message for each. */
static void each_is(void (*is)(int i), int n)
{
	pid_t child[REFUSED];
	int status;

	share();
	for (int i = 0; i < n; i++)
		child[i] = process_refused(i, is);
	server_begin(SHORT);
	put(n);
	strcpy(shared->url, url);
	go();
	for (int i = 0; i < n; i++) {
		cr_assert_eq(waitpid(child[i], &status, 0), child[i]);
		cr_expect_eq(status, 0, "%d: %x, %d", i, status, shared->said[i]);
	}
}

Test(nats_ends, refused_before)
{
	each_is(refused_before, REFUSED);
	for (int i = 0; i < REFUSED; i++)
		cr_expect_eq(shared->said[i], refused[i].said, "%d: %d", i,
			     shared->said[i]);
	cr_assert_eq(left(), REFUSED);
	server_end();
}

/* Another process has their messages. */
Test(nats_ends, refused_later)
{
	each_is(refused_later, LATER);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	nats = nats_of(&config);
	soon(left() == 0);
	cr_assert_eq(stream_count(QUEUE_RESULTS_STREAM), LATER);
	soon(counted(nats).in_flight == 0);
	finish();
}

/* ---- cut off --------------------------------------------------------------------- */

static struct proxy *proxy;

static void begin_behind_proxy(int (*run)(void *, struct ward_nats_message *),
			       ward_ns ack_wait)
{
	share();
	server_begin(ack_wait);
	proxy = proxy_up(cluster.node[0].port);
	cr_assert(proxy);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = run;
	snprintf(url, sizeof(url), "nats://127.0.0.1:%u", proxy_port(proxy));
	nats = nats_of(&config);
}

Test(nats_ends, cut_off_again_and_again)
{
	begin_behind_proxy(echo, SHORT);
	for (int i = 0; i < 5; i++) {
		put(100);
		soon(counted(nats).results > (uint64_t)i * 100);
		proxy_cut(proxy);
		soon(counted(nats).reconnects == (uint64_t)i + 1);
	}
	soon(left() == 0);
	soon(counted(nats).in_flight == 0);
	cr_assert_eq(counted(nats).results, 500);
	cr_assert_eq(stream_count("KV_" QUEUE_BUCKET), 500);
	nats_end(nats, pool);
	proxy_down(proxy);
	server_end();
}

/* Cut off while they wait and run, for longer than the ack wait. */
Test(nats_ends, cut_off_for_long)
{
	begin_behind_proxy(wait_open, SHORT);
	put(4);
	soon(counted(nats).running == 2 && counted(nats).in_flight == 4);
	proxy_hold(proxy, true);
	proxy_cut(proxy);
	soon(counted(nats).lapsed == 2); /* those that had not begun */
	cr_assert_eq(counted(nats).in_flight, 2);
	proxy_hold(proxy, false);
	shared->open = 1;
	soon(left() == 0);
	soon(counted(nats).in_flight == 0);
	cr_assert_eq(counted(nats).results, 4);
	nats_end(nats, pool);
	proxy_down(proxy);
	server_end();
}

static int fail_once_open(void *arg, struct ward_nats_message *m)
{
	if (m->delivery == 1 && shared->open)
		return -EIO;
	return wait_open(arg, m);
}

/* That one lapsed is forgotten with its message. */
Test(nats_ends, the_next_one_does_not_lapse)
{
	struct ward_nats_stats before;

	begin_behind_proxy(fail_once_open, SHORT);
	put(4);
	soon(counted(nats).running == 2 && counted(nats).in_flight == 4);
	proxy_hold(proxy, true);
	proxy_cut(proxy);
	soon(counted(nats).lapsed == 2);
	proxy_hold(proxy, false);
	shared->open = 1;
	soon(left() == 0);
	before = counted(nats);
	put(300); /* each slot has some of them */
	soon(left() == 0);
	cr_assert_eq(counted(nats).failed, before.failed + 300);
	nats_end(nats, pool);
	proxy_down(proxy);
	server_end();
}

static int fail_when_open(void *arg, struct ward_nats_message *m)
{
	if (m->sequence == 1)
		wait_open(arg, m);
	return m->sequence == 1 ? -EIO : 0;
}

/* What it cannot hand back at once it does not hand back: later it may be another's. */
Test(nats_ends, fails_while_cut_off)
{
	begin_behind_proxy(fail_when_open, LONG);
	put(1);
	soon(counted(nats).running == 1);
	proxy_hold(proxy, true);
	proxy_cut(proxy);
	soon(!counted(nats).connected);
	shared->open = 1;
	soon(counted(nats).handed_back == 1);
	proxy_hold(proxy, false);
	soon(counted(nats).reconnects == 1);
	put(1);
	soon(counted(nats).done == 1);
	nats_Sleep(50); /* more than its backoff */
	cr_assert_eq(counted(nats).failed, 1);
	nats_end(nats, pool);
	proxy_down(proxy);
	server_end();
}

/* ---- the stream, the pool -------------------------------------------------------- */

/* The server ends requests sooner than is asked for, if its consumer says so. */
static void end_requests_within(int64_t ns)
{
	jsConsumerInfo *info = NULL;

	nats_ok(js_GetConsumerInfo(&info, queue.js, QUEUE_STREAM, QUEUE_CONSUMER, NULL,
				   NULL));
	info->Config->MaxRequestExpires = ns;
	nats_ok(js_UpdateConsumer(NULL, queue.js, QUEUE_STREAM, info->Config, NULL, NULL));
	jsConsumerInfo_Destroy(info);
}

/* A request is not answered any more: why? */
Test(nats_ends, the_stream_is_deleted)
{
	share();
	server_begin(LONG);
	end_requests_within((int64_t)WARD_MS(100));
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	nats = nats_of(&config);
	soon(counted(nats).asks > 1); /* the first has ended */
	soon(counted(nats).asked > 0);
	nats_ok(js_DeleteStream(queue.js, QUEUE_STREAM, NULL, NULL));
	soon(was_said("stream not found"));
	finish();
}

/* No conviction, no lease: a degraded pool's messages go to another. */
Test(nats_ends, the_pool_is_degraded)
{
	struct ward_pool_config small = WARD_POOL_CONFIG_INIT;
	struct ward_policy budgets = WARD_POLICY_INIT;
	static const struct ward_hooks hooks = { .report = be_quiet };

	share();
	server_begin(SHORT);
	budgets.blocked_within = WARD_MS(50);
	small.policy = &budgets;
	small.hooks = &hooks;
	small.workers = 2;
	small.zombies = small.zombies_asleep = 1;
	cr_assert_eq(ward_pool_create(&pool, &small), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	config = config_of(pool);
	config.run = hang;
	config.dead = NULL;
	put(6);
	nats = nats_of(&config);
	soon(counted(nats).lost == 1 && counted(nats).running == 2);
	soon(was_said("degraded"));
	others_do_the_rest(6);
	soon(counted(nats).lapsed > 0);
	cr_assert_eq(counted(nats).asked, 0);
	shared->open = 1;
	soon(counted(nats).in_flight == 0 && counted(nats).zombies == 0);
	cr_assert_eq(counted(nats).results, 0);
	finish();
}

/* The pool goes first: everything comes back. */
static uint64_t accepted(void)
{
	struct ward_stats stats = WARD_STATS_INIT;

	cr_assert_eq(ward_pool_stats(pool, &stats), 0);
	return stats.accepted;
}

Test(nats_ends, the_pool_is_drained)
{
	begin(wait_open, LONG, 1);
	put(5);
	soon(accepted() == 5);
	shared->open = 1;
	cr_assert_eq(ward_pool_drain(pool, ward_in(IN_TIME)), 0);
	soon(left() == 0);
	put(5);
	soon(was_said("takes no more"));
	soon(counted(nats).in_flight == 0);
	others_do_the_rest(5);
	finish();
}
