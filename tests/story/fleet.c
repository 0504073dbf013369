/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fleet.c - four worker processes, each with a pool fed from a work queue on NATS, and all
 * that may be lost is lost while they work.
 *
 * First only threads are lost: in tasks that hang, spin, die, fault or fail.  The ack wait
 * is ten minutes, so that a message comes back because it was handed back.  Then there
 * is a cluster of three servers, the ack wait is a second, and threads go on to be lost.
 * Between them worker processes are killed, or stopped and continued; their connections
 * are reset, or held in silence; and a server is killed, the stream's leader, and comes
 * back.
 *
 * Expected: each message has exactly one accepted result, of the right bytes, counted over
 * all that the bucket has ever stored; poison has none, and a dead letter; and every kind
 * of loss has really happened.  2,000 messages; 100,000 if STORY_LONG is set.
 */
#include "fleet.h"
#include "../nats/proxy.h"
#include "../nats/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, PATIENCE_S = 120, BEYOND = 10000 };
#define S UINT64_C(1000000000)

static struct cluster cluster;
static struct queue queue;
static struct proxy *proxy[CLUSTER_NODES];
static struct stage *stage;
static int stage_fd;

static struct worker {
	pid_t pid;
	unsigned life;
} worker[WORKERS];
static unsigned lives;	/* ever */
static unsigned filled; /* messages of this part */

/* Losses of more than a thread. */
static unsigned kills, stops, cuts, held, nodes;

static void tell_all(void);
static void tell_servers(void);

__attribute__((format(printf, 2, 3))) static _Noreturn void fail(int line,
								  const char *format, ...)
{
	va_list args;

	fprintf(stderr, "fleet.c:%d: ", line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	tell_all();
	tell_servers();
	exit(1);
}

#define expect(condition)                                                      \
	do {                                                                   \
		if (!(condition))                                              \
			fail(__LINE__, "%s", #condition);                      \
	} while (0)

#define expect_ok(status)                                                      \
	do {                                                                   \
		natsStatus s_ = (status);                                      \
                                                                               \
		if (s_ != NATS_OK)                                             \
			fail(__LINE__, "%s: %s", #status, natsStatus_GetText(s_)); \
	} while (0)

#define wait_until(condition)                                                  \
	do {                                                                   \
		uint64_t end_ = fleet_now() + PATIENCE_S * S;                  \
                                                                               \
		while (!(condition)) {                                         \
			if (fleet_now() > end_)                                \
				fail(__LINE__, "never: %s", #condition);       \
			poll(NULL, 0, 2);                                      \
		}                                                              \
	} while (0)

/* ---- the stage --------------------------------------------------------------- */

static void stage_up(uint32_t messages)
{
	size_t size = sizeof(*stage) + (messages + 1) * sizeof(stage->mark[0]);

	stage_fd = memfd_create("stage", 0);
	expect(stage_fd >= 0 && !ftruncate(stage_fd, (off_t)size));
	stage = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, stage_fd, 0);
	expect(stage != MAP_FAILED);
	stage->messages = messages;
	stage->director = getpid();
}

/* One in 'period' of each kind; of dear ones fewer. */
static enum kind kind_of(uint32_t number, uint32_t period)
{
	static const struct {
		enum kind kind;
		uint32_t of; /* one in so many periods; 0: in the first only */
	} plan[] = { { WELL, 1 },   { HANGS, 1 },  { COMES_HOME, 1 },
		     { SPINS, 5 },  { DIES, 1 },   { FAULTS, 1 },
		     { FAILS, 1 },  { POISON, 1 }, { HOPELESS, 0 } };
	uint32_t place = number % period / 3, round = number / period;

	if (number % 3 || place >= sizeof(plan) / sizeof(*plan))
		return WELL;
	if (plan[place].of ? round % plan[place].of : round)
		return WELL;
	return plan[place].kind;
}

static void stage_clear(uint32_t period)
{
	filled = 0;
	memset(stage->mark, 0, (stage->messages + 1) * sizeof(stage->mark[0]));
	for (uint32_t i = 1; i <= stage->messages; i++)
		stage->mark[i].kind = kind_of(i, period);
}

/* ---- workers ----------------------------------------------------------------- */

static void worker_exec(unsigned life)
{
	char fd[16], number[16], urls[CLUSTER_URLS];
	int n = 0;

	snprintf(fd, sizeof(fd), "%d", stage_fd);
	snprintf(number, sizeof(number), "%u", life);
	for (unsigned i = 0; i < cluster.nodes; i++)
		n += snprintf(urls + n, sizeof(urls) - (size_t)n, "%snats://127.0.0.1:%u",
			      i ? "," : "", proxy_port(proxy[i]));
	execl("/proc/self/exe", "fleet", "worker", fd, number, urls, (char *)NULL);
	_exit(127);
}

static void worker_up(struct worker *w)
{
	expect(lives < LIVES);
	w->life = lives++;
	w->pid = fork();
	expect(w->pid >= 0);
	if (!w->pid)
		worker_exec(w->life);
	atomic_store(&stage->life[w->life].pid, w->pid);
}

static void worker_killed(struct worker *w)
{
	expect(!kill(w->pid, SIGKILL));
	expect(waitpid(w->pid, NULL, 0) == w->pid);
}

static void workers_up(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		worker_up(&worker[i]);
	for (unsigned i = 0; i < WORKERS; i++)
		wait_until(atomic_load(&stage->life[worker[i].life].serves));
}

/* They finish what runs, and leave in good order. */
static void workers_down(void)
{
	int status;

	for (unsigned i = 0; i < WORKERS; i++)
		expect(!kill(worker[i].pid, SIGTERM));
	for (unsigned i = 0; i < WORKERS; i++) {
		expect(waitpid(worker[i].pid, &status, 0) == worker[i].pid);
		expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		expect(stage->life[worker[i].life].stats.in_flight == 0);
	}
}

/* ---- servers ----------------------------------------------------------------------- */

/* Each time new ones: of streams that are made anew this version makes two. */
static void servers_up(unsigned n, uint64_t ack_wait)
{
	struct queue_config config = { .replicas = n,
				       .ack_wait = (int64_t)ack_wait,
				       .history = 64 };
	char urls[CLUSTER_URLS];

	expect(!cluster_up(&cluster, n));
	for (unsigned i = 0; i < n; i++)
		expect(proxy[i] = proxy_up(cluster.node[i].port));
	cluster_urls(&cluster, urls);
	expect_ok(queue_open(&queue, urls));
	expect_ok(queue_make(&queue, &config));
}

static void servers_down(void)
{
	queue_close(&queue);
	for (unsigned i = 0; i < cluster.nodes; i++)
		proxy_down(proxy[i]);
	cluster_down(&cluster);
}

/* ---- messages ---------------------------------------------------------------- */

static void make(unsigned number, struct queue_item *item)
{
	snprintf(item->key, sizeof(item->key), "file.%u", number);
	item->size = snprintf(item->data, sizeof(item->data), "%u", number) + 1;
}

static void fill(unsigned n)
{
	expect(filled + n <= stage->messages);
	expect_ok(queue_fill(&queue, filled + 1, n, make));
	filled += n;
}


/* ---- what is found at the end ------------------------------------------------ */

/*
 * A stream that has lost its leader may have stored a message again, though its producer
 * named it: then sequences go beyond the number of messages.
 *
 * Counted by the stored results, not by the rest of the queue: of messages acknowledged as
 * its leader was lost, nats-server 2.9 leaves some there, though nobody has it any more.
 */
static struct found {
	uint32_t results, sequences, dead;
} *found;
static uint64_t next_result, next_dead;
static unsigned done; /* messages with one or the other */

static void take_result(void *arg, natsMsg *record)
{
	const char *key = natsMsg_GetSubject(record) + strlen(QUEUE_RESULTS "file.");
	char text[128];
	uint64_t hash, sequence;
	uint32_t number;

	(void)arg;
	snprintf(text, sizeof(text), "%.*s", natsMsg_GetDataLength(record),
		 natsMsg_GetData(record));
	expect(sscanf(text, "%u %" SCNx64 " %" SCNu64, &number, &hash, &sequence) == 3);
	expect(number && number <= filled && number == (uint32_t)atoi(key));
	expect(hash == fleet_hash(number));
	expect(sequence && sequence <= filled + BEYOND);
	done += !found[number].results && !found[number].dead;
	found[number].results++;
	found[sequence].sequences++;
}

static void take_dead(void *arg, natsMsg *record)
{
	const char *subject;
	uint32_t number;

	(void)arg;
	expect_ok(natsMsgHeader_Get(record, "Ward-Subject", &subject));
	number = (uint32_t)atoi(subject + strlen(QUEUE_SUBJECT "."));
	expect(number && number <= filled);
	done += !found[number].results && !found[number].dead;
	found[number].dead++;
}

static bool is_poison(uint32_t number)
{
	return stage->mark[number].kind == POISON || stage->mark[number].kind == HOPELESS;
}

static void look_at(uint32_t number)
{
	const struct found *f = &found[number];

	if (f->results != !is_poison(number))
		fail(__LINE__, "message %u (kind %u, %u runs) has %u results", number,
		     stage->mark[number].kind, stage->mark[number].runs, f->results);
	if (!f->dead != !is_poison(number))
		fail(__LINE__, "message %u (kind %u, %u runs) has %u dead letters", number,
		     stage->mark[number].kind, stage->mark[number].runs, f->dead);
}

static void found_clear(void)
{
	free(found);
	found = calloc(stage->messages + BEYOND + 1, sizeof(*found));
	expect(found);
	next_result = next_dead = 1;
	done = 0;
}

/* While nobody answers, it is not known. */
static bool look_for_more(void)
{
	return queue_read(&queue, QUEUE_RESULTS_STREAM, &next_result, take_result, NULL) ==
		       NATS_OK &&
	       queue_read(&queue, QUEUE_DEAD, &next_dead, take_dead, NULL) == NATS_OK;
}

static bool is_done(unsigned n)
{
	return look_for_more() && done >= n;
}

/* Nobody is at work any more. */
static void look_at_all(void)
{
	wait_until(look_for_more());
	for (uint32_t i = 1; i <= filled; i++)
		look_at(i);
	for (uint32_t i = 1; i <= filled + BEYOND; i++)
		if (found[i].sequences > 1)
			fail(__LINE__, "sequence %u has %u results", i,
			     found[i].sequences);
}

/* ---- what is told ------------------------------------------------------------ */

static struct ward_nats_stats sum_of_lives(void)
{
	struct ward_nats_stats sum = WARD_NATS_STATS_INIT;

	for (unsigned i = 0; i < lives; i++) {
		const struct ward_nats_stats *s = &stage->life[i].stats;

		sum.fetched += s->fetched;
		sum.redelivered += s->redelivered;
		sum.done += s->done;
		sum.already += s->already;
		sum.handed_back += s->handed_back;
		sum.dead += s->dead;
		sum.fenced += s->fenced;
		sum.lapsed += s->lapsed;
		sum.lost += s->lost;
		sum.failed += s->failed;
		sum.unrun += s->unrun;
		sum.results += s->results;
		sum.claims += s->claims;
		sum.extended += s->extended;
		sum.retried += s->retried;
		sum.overrun += s->overrun;
		sum.disconnects += s->disconnects;
		sum.reconnects += s->reconnects;
		sum.errors += s->errors;
	}
	return sum;
}

static void tell_all(void)
{
	struct ward_nats_stats s = sum_of_lives();
	_Atomic uint32_t *did = stage->did;

	printf("%u messages, %u worker processes\n", filled, lives);
	printf("threads: %u hung, %u came home, %u span, %u died, %u faulted, %u failed; "
	       "poison: %u, %u\n",
	       did[HANGS], did[COMES_HOME], did[SPINS], did[DIES], did[FAULTS], did[FAILS],
	       did[POISON], did[HOPELESS]);
	printf("processes: %u killed, %u stopped; connections: %u cut, %u held; "
	       "servers: %u killed\n", kills, stops, cuts, held, nodes);
	printf("fetched %lu, redelivered %lu, done %lu, already %lu, handed back %lu "
	       "(lost %lu, failed %lu, unrun %lu), dead %lu\n",
	       s.fetched, s.redelivered, s.done, s.already, s.handed_back, s.lost, s.failed,
	       s.unrun, s.dead);
	printf("fenced %lu, lapsed %lu, results %lu, claims %lu, extended %lu, "
	       "retried %lu, overrun %lu, disconnects %lu, reconnects %lu, errors %lu\n",
	       s.fenced, s.lapsed, s.results, s.claims, s.extended, s.retried, s.overrun,
	       s.disconnects, s.reconnects, s.errors);
	fflush(stdout);
}

static void tell_left(void)
{
	uint64_t left;

	if (queue_left(&queue, &left) == NATS_OK)
		printf("%lu messages are left in the stream\n", left);
}

static void tell_group(const char *what, const jsClusterInfo *group)
{
	printf("%s: leader %s", what, group && group->Leader ? group->Leader : "none");
	for (int i = 0; group && i < group->ReplicasLen; i++)
		printf(", %s%s%s (lag %lu)", group->Replicas[i]->Name,
		       group->Replicas[i]->Current ? "" : " behind",
		       group->Replicas[i]->Offline ? " offline" : "",
		       group->Replicas[i]->Lag);
	printf("\n");
}

/* As the servers have it, where the story has failed. */
static void tell_servers(void)
{
	jsConsumerInfo *consumer = NULL;
	jsStreamInfo *stream = NULL;

	if (js_GetStreamInfo(&stream, queue.js, QUEUE_STREAM, NULL, NULL) == NATS_OK)
		tell_group("stream", stream->Cluster);
	tell_left();
	if (js_GetConsumerInfo(&consumer, queue.js, QUEUE_STREAM, QUEUE_CONSUMER, NULL,
			       NULL) == NATS_OK) {
		tell_group("consumer", consumer->Cluster);
		printf("%lu pending, %lu delivered and not acknowledged, %lu requests\n",
		       consumer->NumPending, (uint64_t)consumer->NumAckPending,
		       (uint64_t)consumer->NumWaiting);
	}
	jsConsumerInfo_Destroy(consumer);
	jsStreamInfo_Destroy(stream);
	fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* From where the message begins until it runs elsewhere. */
static void tell_hung(void)
{
	uint64_t *took = calloc(filled + 1, sizeof(*took));
	unsigned n = 0;

	expect(took);
	for (uint32_t i = 1; i <= filled; i++)
		if (stage->mark[i].kind == HANGS || stage->mark[i].kind == COMES_HOME)
			took[n++] = stage->mark[i].again - stage->mark[i].began;
	qsort(took, n, sizeof(*took), by_size);
	printf("%u hung, with a budget of %u ms: elsewhere after %lu ms (median), "
	       "%lu ms (at most)\n", n, BUDGET_MS, took[n / 2] / 1000000,
	       took[n - 1] / 1000000);
	free(took);
}

/* ---- threads are lost -------------------------------------------------------- */

static void lose_threads(void)
{
	enum { MESSAGES = 300, PERIOD = 30 };

	stage_clear(PERIOD);
	found_clear();
	servers_up(1, 600 * S);
	workers_up();
	fill(MESSAGES);
	wait_until(is_done(filled));
	workers_down();
	look_at_all();
	servers_down();
	for (enum kind k = HANGS; k <= POISON; k++)
		expect(stage->did[k] >= MESSAGES / PERIOD / 5);
	tell_hung();
}

/* ---- all is lost ------------------------------------------------------------- */

static void lose_worker(void)
{
	struct worker *w = &worker[kills++ % WORKERS];

	worker_killed(w);
	worker_up(w);
}

/* One message more, with which a worker is stopped until another one has it. */
static void stop_worker(void)
{
	uint32_t number = filled + 1;
	pid_t pid;

	stage->mark[number].kind = SLEEPS_ON;
	atomic_store(&stage->sleeper, 0);
	fill(1);
	wait_until((pid = atomic_load(&stage->sleeper)));
	expect(!kill(pid, SIGSTOP));
	wait_until(atomic_load(&stage->mark[number].again));
	expect(!kill(pid, SIGCONT));
	atomic_store(&stage->continued, number);
	stops++;
}

static void cut_all(void)
{
	for (unsigned i = 0; i < CLUSTER_NODES; i++)
		cuts += proxy_cut(proxy[i]);
}

/*
 * The most of those that go one way, for longer than the ack wait.  A message on its way to
 * them then comes when others have it.
 */
static void hold_some(void)
{
	struct proxy *most = proxy[0];

	for (unsigned i = 1; i < CLUSTER_NODES; i++)
		if (proxy_links(proxy[i]) > proxy_links(most))
			most = proxy[i];
	held += proxy_links(most);
	proxy_hold(most, true);
	fill(100);
	poll(NULL, 0, 1500);
	proxy_hold(most, false);
}

static int leader(void)
{
	jsStreamInfo *info = NULL;
	int node = -1;

	if (js_GetStreamInfo(&info, queue.js, QUEUE_STREAM, NULL, NULL) == NATS_OK &&
	    info->Cluster && info->Cluster->Leader)
		sscanf(info->Cluster->Leader, "node%d", &node);
	jsStreamInfo_Destroy(info);
	return node;
}

static bool is_current(const jsClusterInfo *group)
{
	for (int i = 0; group && i < group->ReplicasLen; i++)
		if (!group->Replicas[i]->Current || group->Replicas[i]->Offline)
			return false;
	return group && group->ReplicasLen == CLUSTER_NODES - 1;
}

static bool stream_is_whole(const char *name)
{
	jsStreamInfo *info = NULL;
	bool whole = js_GetStreamInfo(&info, queue.js, name, NULL, NULL) == NATS_OK &&
		     is_current(info->Cluster);

	jsStreamInfo_Destroy(info);
	return whole;
}

static bool consumer_is_whole(void)
{
	jsConsumerInfo *info = NULL;
	bool whole = js_GetConsumerInfo(&info, queue.js, QUEUE_STREAM, QUEUE_CONSUMER, NULL,
					NULL) == NATS_OK &&
		     is_current(info->Cluster);

	jsConsumerInfo_Destroy(info);
	return whole;
}

/* Three servers survive the loss of one at a time: the last one lost has all again. */
static bool servers_are_whole(void)
{
	return stream_is_whole(QUEUE_STREAM) && stream_is_whole(QUEUE_RESULTS_STREAM) &&
	       stream_is_whole(QUEUE_DEAD) && consumer_is_whole();
}

/* Work goes on without it. */
static void lose_node(void)
{
	int node;

	wait_until((node = leader()) >= 0);
	expect(!cluster_kill(&cluster, (unsigned)node));
	nodes++;
	fill(50);
	wait_until(is_done(filled - 25));
	expect(!cluster_restart(&cluster, (unsigned)node));
}

/* In the midst of n messages. */
static void amid(unsigned n, void (*lose)(void))
{
	wait_until(servers_are_whole());
	fill(n);
	wait_until(is_done(filled - n / 2));
	lose();
}

static void lose_all(unsigned rounds, unsigned each, uint32_t period)
{
	static void (*const losses[])(void) = { lose_worker, stop_worker, cut_all,
						lose_node, hold_some };

	memset(stage->did, 0, sizeof(stage->did));
	stage_clear(period);
	found_clear();
	servers_up(CLUSTER_NODES, S);
	workers_up();
	for (unsigned round = 0; round < rounds; round++)
		for (unsigned i = 0; i < sizeof(losses) / sizeof(*losses); i++)
			amid(each, losses[i]);
	wait_until(is_done(filled));
	workers_down();
	look_at_all();
	tell_left();
	servers_down();
}

static void all_happened(void)
{
	struct ward_nats_stats sum = sum_of_lives();

	for (enum kind k = HANGS; k < KINDS; k++)
		expect(stage->did[k]);
	expect(kills && stops && cuts && held && nodes);
	expect(sum.lost && sum.failed && sum.dead && sum.redelivered && sum.claims);
	expect(sum.fenced + sum.lapsed && sum.disconnects && sum.reconnects);
	expect(sum.extended);
}

int main(int argc, char **argv)
{
	bool all = getenv("STORY_LONG");

	if (argc > 1)
		return fleet_worker(argv + 2);
	if (!cluster_can()) {
		printf("skipped: there is no nats-server\n");
		return 77;
	}
	stage_up(all ? 102000 : 3000);
	lose_threads();
	if (all)
		lose_all(8, 2500, 1000);
	else
		lose_all(1, 400, 100);
	tell_all();
	all_happened();
	return 0;
}
