/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats.c - consumers of a work queue on a cluster of three NATS servers on this machine:
 * libward's, and the same loop without it (nats_plain.c).  'workers' is the number of
 * threads that run messages.
 *
 * messages	a second, of 256 bytes, each run for some 2 us; its result is stored on
 *		all three, and then it is acknowledged.  Of the time from connecting to
 *		the last acknowledgement
 * cpu		of the consumer's process, us for each message
 * hung_*	a message hangs in one of two processes: from the end of its budget until
 *		it runs elsewhere.  The plain loop has no budget: from where libward's
 *		would end; its messages come back by the ack wait
 */
#include "nats.h"
#include "tests/nats/queue.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MESSAGE = 256, ROUNDS = 8, CONSUMERS = 2 };
#define ACK_WAIT (5 * S)
#define URLS "WARDBENCH_NATS" /* of the servers, in the environment of a trial */

static const struct nats_way *const ways[] = { &nats_way_ward, &nats_way_plain };
enum { WAYS = sizeof(ways) / sizeof(*ways) };

static const struct nats_way *way_find(const char *name)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (!strcmp(ways[i]->name, name))
			return ways[i];
	return NULL;
}

static bool complain(const char *what, natsStatus s)
{
	if (s != NATS_OK)
		fprintf(stderr, "nats: %s: %s\n", what, natsStatus_GetText(s));
	return s == NATS_OK;
}

static void fill_one(unsigned number, struct queue_item *item)
{
	item->size = MESSAGE;
	memset(item->data, (int)number, MESSAGE);
}

/* ---- throughput -------------------------------------------------------------- */

static int hash(struct nats_work *w)
{
	const unsigned char *data = w->data;
	uint64_t h = 14695981039346656037u;

	for (int i = 0; i < ROUNDS * w->size; i++)
		h = (h ^ data[i % w->size]) * 1099511628211u;
	return snprintf(w->out, sizeof(w->out), "%016" PRIx64, h);
}

static bool empty_queue(unsigned n)
{
	struct queue q;
	bool ok = complain("connect", queue_open(&q, getenv(URLS))) &&
		  complain("empty", queue_empty(&q)) &&
		  complain("fill", queue_fill(&q, 1, n, fill_one));

	queue_close(&q);
	return ok;
}

static uint64_t process_cpu(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

static bool await_done(const struct nats_way *way, uint64_t n, uint64_t until)
{
	while (way->done() < n && os_now() < until)
		os_sleep(5 * MS); /* libward's count looks at each slot */
	return way->done() == n;
}

static bool messages_trial(const struct trial *t, const struct nats_way *way)
{
	struct nats_load load = { getenv(URLS), t->workers, hash };
	unsigned n = (unsigned)t->tasks;
	uint64_t from, cpu, wall;

	if (!empty_queue(n))
		return false;
	cpu = process_cpu();
	from = os_now();
	if (!way->start(&load) || !await_done(way, n, from + 60 * S))
		return false;
	wall = os_now() - from;
	cpu = process_cpu() - cpu;
	tell("messages", "1/s", (double)n * 1e9 / (double)wall);
	tell("cpu", "us", (double)cpu / 1e3 / (double)n);
	return way->stop();
}

/* ---- hung -------------------------------------------------------------------- */

static struct stage {
	_Atomic uint64_t from;	/* it began to hang */
	_Atomic uint64_t again; /* it runs elsewhere; 0: not yet */
	_Atomic uint32_t up;	/* consumers */
} *stage;

static int hang_once(struct nats_work *w)
{
	if (w->delivery > 1) {
		stage->again = os_now();
		return snprintf(w->out, sizeof(w->out), "again");
	}
	stage->from = os_now();
	for (;;)
		pause();
}

/* Ends with its parent. */
static _Noreturn void consume(const struct nats_way *way, unsigned workers)
{
	struct nats_load load = { getenv(URLS), workers, hang_once };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!way->start(&load))
		_exit(1);
	atomic_fetch_add_explicit(&stage->up, 1, memory_order_release);
	for (;;)
		pause();
}

static bool consumers_up(const struct trial *t, const struct nats_way *way, pid_t *pid)
{
	uint64_t until = os_now() + 20 * S;

	for (unsigned i = 0; i < CONSUMERS; i++)
		if (!(pid[i] = fork()))
			consume(way, t->workers);
	while (stage->up < CONSUMERS && os_now() < until)
		os_sleep(MS);
	return stage->up == CONSUMERS;
}

static bool hangs_once(struct queue *q, unsigned number, double *took)
{
	uint64_t until = os_now() + 4 * ACK_WAIT;

	stage->from = stage->again = 0;
	if (!complain("fill", queue_fill(q, number, 1, fill_one)))
		return false;
	while (!stage->again && os_now() < until)
		os_sleep(MS);
	*took = (double)(stage->again - stage->from - NATS_BUDGET) / 1e3;
	return stage->again;
}

static bool hang_all(unsigned n, double *took)
{
	struct queue q;
	bool ok = complain("connect", queue_open(&q, getenv(URLS)));

	for (unsigned i = 0; ok && i < n; i++)
		ok = hangs_once(&q, i + 1, &took[i]);
	queue_close(&q);
	return ok;
}

static bool hung_trial(const struct trial *t, const struct nats_way *way)
{
	unsigned n = (unsigned)t->tasks;
	double *took = calloc(n, sizeof(*took));
	pid_t pid[CONSUMERS] = { 0 };
	bool ok;

	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok = stage != MAP_FAILED && took && consumers_up(t, way, pid) &&
	     empty_queue(0) && hang_all(n, took);
	for (unsigned i = 0; i < CONSUMERS; i++)
		if (pid[i] > 0 && !kill(pid[i], SIGKILL))
			waitpid(pid[i], NULL, 0);
	if (ok)
		tell_samples("hung", took, n, false);
	free(took);
	return ok;
}

/* ---- plan -------------------------------------------------------------------- */

static bool nats_trial(const struct trial *t)
{
	const struct nats_way *way = way_find(t->impl);

	return way && (strcmp(t->mode, "hung") ? messages_trial(t, way) :
						 hung_trial(t, way));
}

/* How many are hung: each of the plain loop's takes an ack wait. */
static unsigned hung_of(const struct options *o, unsigned way)
{
	if (ways[way] == &nats_way_plain)
		return o->quick ? 1 : 2;
	return o->quick ? 20 : 50;
}

static void ask(const struct options *o, struct book *book, const char *mode,
		unsigned way)
{
	bool hung = !strcmp(mode, "hung");
	struct trial t = { .bench = "nats",
			   .impl = ways[way]->name,
			   .mode = mode,
			   .producers = 1,
			   .workers = 2,
			   .tasks = hung     ? hung_of(o, way) :
				    o->quick ? 10000 :
					       30000,
			   .ring = o->ring };

	trial_book(book, &t, 6 * TRIAL_LIMIT_S);
}

/* Each run begins with the other one. */
static void ask_all(const struct options *o, struct book *book)
{
	for (unsigned run = 0; run < o->runs; run++)
		for (unsigned i = 0; i < WAYS; i++)
			ask(o, book, "messages", (i + run) % WAYS);
	for (unsigned i = 0; i < WAYS; i++)
		ask(o, book, "hung", i);
	progress_end();
}

static bool queue_there(struct cluster *cluster, char *urls)
{
	struct queue_config config = { .replicas = CLUSTER_NODES,
				       .ack_wait = ACK_WAIT,
				       .history = 1 };
	struct queue q;
	bool ok;

	cluster_urls(cluster, urls);
	ok = complain("connect", queue_open(&q, urls)) &&
	     complain("make", queue_make(&q, &config));
	queue_close(&q);
	return ok;
}

/* All trials are on the same servers, whose leaders stay where they are. */
static void nats_run(const struct options *o, struct book *book)
{
	char urls[CLUSTER_URLS];
	struct cluster cluster;
	int err;

	if (progress_rehearses()) {
		ask_all(o, book);
		return;
	}
	if (!cluster_can()) {
		printf("nats: left out: there is no nats-server\n");
		return;
	}
	err = cluster_up(&cluster, CLUSTER_NODES);
	if (err) {
		fprintf(stderr, "nats: the servers: %s\n", strerror(-err));
		return;
	}
	if (queue_there(&cluster, urls)) {
		setenv(URLS, urls, 1);
		ask_all(o, book);
	}
	cluster_down(&cluster);
}

/* ---- report ------------------------------------------------------------------ */

static const struct place {
	const char *head, *metric;
} places[] = { { "messages/s", "messages" },
	       { "CPU us each", "cpu" },
	       { "hung p50 us", "hung_p50" },
	       { "max us", "hung_max" } };
enum { PLACES = sizeof(places) / sizeof(*places) };

static const struct figure *find(const struct book *book, unsigned way, unsigned place)
{
	struct key key = { "nats", ways[way]->name, places[place].metric, "", 2, 1, NULL };

	return book_find(book, &key);
}

static void nats_report(const struct options *o, const struct book *book)
{
	const struct figure *plain = find(book, 1, 0);
	static struct table table;
	struct spread ratio;

	(void)o;
	table_start(&table, "nats: consumers of a cluster of three; hung: beyond a "
			    "budget of 100 ms, an ack wait of 5 s");
	for (unsigned c = 0; c < PLACES; c++)
		table_column(&table, "%s", places[c].head);
	table_column(&table, "x plain");
	for (unsigned i = 0; i < WAYS; i++) {
		unsigned row = table_row(&table, ways[i]->name);

		for (unsigned c = 0; c < PLACES; c++)
			table_cell(&table, row, c, find(book, i, c));
		if (i == 0 && plain && find(book, 0, 0) &&
		    figure_ratio(find(book, 0, 0), plain, &ratio))
			table_spread(&table, row, PLACES, &ratio, plain->runs);
	}
	table_print(&table, stdout);
}

const struct bench bench_nats = {
	.name = "nats",
	.what = "consumers of a work queue on NATS: messages, hung ones",
	.run = nats_run,
	.trial = nats_trial,
	.report = nats_report,
};
