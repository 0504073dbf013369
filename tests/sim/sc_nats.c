/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_nats.c - a consumer of a work queue (lib/nats): each message ends once, and none is
 * lost, whatever its task, the server and the keeper do meanwhile.
 *
 * The pool is one of a few lines: it runs, answers and releases a task as the library does,
 * convicts it as it runs, or takes it back, and has little room.
 */
#include "nats_server.h"
#include "base/host.h"
#include "sim.h"
#include <errno.h>
#include <string.h>

enum { WORKERS = 2, THREADS = 3, ROOM = 1, MOST = 2, JOBS = 64, STEP = 1100000000 };

#define AGES WARD_S(1000)

static struct ward_nats *nats;
static ward_ns skew; /* offstage: time that passed all at once */

/* ---- in place of the C library, and of the clock ------------------------------------- */

struct chunk {
	line_aligned size_t size;
	line_aligned char memory[];
};

void *calloc(size_t n, size_t size);
void free(void *memory);
void *mmap(void *at, size_t size, int protection, int flags, int fd, __off_t offset);
int munmap(void *at, size_t size);

void *calloc(size_t n, size_t size)
{
	struct chunk *chunk = host_alloc(sizeof(*chunk) + n * size);

	chunk->size = sizeof(*chunk) + n * size;
	return chunk->memory;
}

void free(void *memory)
{
	struct chunk *chunk = ward_entry((char (*)[])memory, struct chunk, memory);

	if (memory)
		host_free(chunk, chunk->size);
}

char *strdup(const char *text)
{
	char *copy = calloc(1, strlen(text) + 1);

	return memcpy(copy, text, strlen(text));
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, __off_t offset)
{
	(void)at;
	(void)protection;
	(void)flags;
	(void)fd;
	(void)offset;
	return host_alloc(size);
}

int munmap(void *at, size_t size)
{
	host_free(at, size);
	return 0;
}

static host_thread keeper;

static void keep(void *arg)
{
	keeper_run(arg);
}

int pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*fn)(void *),
		   void *arg)
{
	(void)attr;
	*out = 0;
	check(fn == keeper_run);
	return host_spawn(&keeper, NULL, keep, NULL, arg);
}

int pthread_join(pthread_t thread, void **value)
{
	(void)thread;
	(void)value;
	return host_join(keeper, HOST_FOREVER);
}

static offstage ward_ns skewed(ward_ns now)
{
	return now + skew;
}

ward_ns ward_now(void)
{
	return skewed(host_now());
}

/* ---- in place of connect.c, health.c --------------------------------------------------- */

static struct server_config server;

int connect_all(struct ward_nats *made)
{
	nats = made;
	nats->ack_wait = server.ack_wait ? server.ack_wait : AGES / 2;
	nats->batch_max = UINT32_MAX;
	nats->expires = SERVER_EXPIRES;
	nats->payload_max = 1 << 20;
	strcpy(nats->results_stream, "r");
	sim_name((void *)(uintptr_t)&nats->asking, "asking");
	sim_name((void *)(uintptr_t)&nats->in_flight, "in_flight");
	sim_name((void *)(uintptr_t)&nats->held, "held");
	sim_name((void *)(uintptr_t)&nats->used, "used");
	sim_name((void *)(uintptr_t)&nats->refs, "refs");
	sim_name((void *)(uintptr_t)&nats->wake, "wake");
	sim_name((void *)(uintptr_t)&nats->draining, "draining");
	sim_name((void *)(uintptr_t)&nats->ended, "ended");
	for (uint32_t i = 0; i < nats->nslots; i++) {
		struct slot *slot = &nats->slots[i];

		sim_name((void *)(uintptr_t)&slot->word, "slot[%u].word", i);
		sim_name((void *)(uintptr_t)&slot->parts, "slot[%u].parts", i);
		sim_name((void *)(uintptr_t)&slot->lapsed, "slot[%u].lapsed", i);
		sim_name((void *)(uintptr_t)&slot->leased_at, "slot[%u].leased_at", i);
	}
	return 0;
}

void disconnect(struct ward_nats *made)
{
	(void)made;
}

void health_tell(struct ward_nats *made, const char *state)
{
	(void)made;
	(void)state;
}

/* ---- in place of the pool ---------------------------------------------------------------- */

static struct job {
	struct ward_task *task;
	_Atomic uint32_t answered; /* X: by its worker, or as it was convicted */
	_Atomic uint32_t parts;	   /* X: of those two */
	/* offstage */
	bool runs, cancelled;
} job[JOBS];
static host_thread thread[THREADS];
static _Atomic uint32_t jobs_word; /* X: one more, or all are over */

/* offstage */
static uint32_t jobs_put, jobs_taken, faults, convictions;
static bool jobs_over;

int ward_pool_stats(struct ward_pool *pool, struct ward_stats *stats)
{
	(void)pool;
	stats->degraded = 0;
	stats->idle = WORKERS;
	stats->zombies_cap = 1;
	stats->zombies_asleep_cap = 0;
	return 0;
}

static offstage bool put_job(struct ward_task *task)
{
	if (jobs_put - jobs_taken >= ROOM)
		return false;
	check(jobs_put < JOBS);
	job[jobs_put++].task = task;
	return true;
}

int ward_submit(struct ward_pool *pool, struct ward_task *task, ward_ns until)
{
	bool put;

	(void)pool;
	check(until == WARD_NOWAIT);
	before_put(&jobs_word);
	put = put_job(task);
	after_put(&jobs_word);
	return put ? 0 : -EAGAIN;
}

/* One that is not submitted yet, or any more, is not found. */
static offstage void cancel(const struct ward_task *task)
{
	for (uint32_t i = jobs_taken; i < jobs_put; i++)
		if (job[i].task == task)
			job[i].cancelled = true;
}

int ward_task_cancel(struct ward_pool *pool, struct ward_task *task, int cause)
{
	(void)pool;
	(void)cause;
	cancel(task);
	return 0;
}

static offstage struct job *take_job(void)
{
	return jobs_taken < jobs_put ? &job[jobs_taken++] : NULL;
}

static offstage bool may_begin(struct job *of)
{
	of->runs = !of->cancelled;
	return of->runs;
}

static void drop(struct job *of)
{
	if (sub_acq_rel(&of->parts, 1) == 1)
		of->task->release(of->task);
}

static void answer(struct job *of, int status)
{
	if (!swap_acq_rel(&of->answered, 1))
		of->task->done(of->task, status);
}

static offstage void has_run(struct job *of)
{
	of->runs = false;
}

static int run_it(struct job *of)
{
	int status;

	after_put(&jobs_word);
	status = of->task->run(of->task);
	has_run(of);
	return status;
}

static void work_on(struct job *of)
{
	store_release(&of->parts, 1);
	answer(of, may_begin(of) ? run_it(of) : -ECANCELED);
	drop(of);
}

static offstage bool are_over(void)
{
	return jobs_over;
}

static void works(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t seen = load_acquire(&jobs_word);
		struct job *of = take_job();
		bool over = are_over();

		after_take(&jobs_word);
		if (of)
			work_on(of);
		else if (over)
			return;
		else
			host_wait(&jobs_word, seen, HOST_FOREVER);
	}
}

static offstage void set_over(void)
{
	jobs_over = true;
}

static void jobs_end(void)
{
	before_put(&jobs_word);
	set_over();
	after_put(&jobs_word);
	for (int i = 0; i < THREADS; i++)
		host_join(thread[i], HOST_FOREVER);
}

/* One that runs, and goes on: its part is counted before it ends. */
static offstage struct job *running_one(void)
{
	for (uint32_t i = 0; i < jobs_taken; i++)
		if (job[i].runs)
			return &job[i];
	return NULL;
}

static bool hold(struct job *of)
{
	uint32_t parts = load_relaxed(&of->parts);

	while (parts)
		if (cas_acquire(&of->parts, &parts, parts + 1))
			return true;
	return false;
}

/* A thread that is inside of a task is convicted there: its answer counts no more. */
static void convicts(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t seen = load_acquire(&jobs_word);
		struct job *of = running_one();

		if (of && hold(of)) {
			answer(of, -ETIME);
			drop(of);
			return;
		}
		if (are_over())
			return;
		host_wait(&jobs_word, seen, HOST_FOREVER);
	}
}

/* ---- messages ------------------------------------------------------------------------------ */

static offstage int verdict(void)
{
	return faults && !sim_choose(3) ? (faults--, sim_choose(2) ? -EIO : -EBADMSG) : 0;
}

static int process(void *arg, struct ward_nats_message *m)
{
	const char *data = m->data;

	(void)arg;
	check(data[0] == 'm' && data[1] == '0' + (int)m->sequence - 1);
	*(char *)m->out = data[1];
	m->out_size = 1;
	return verdict();
}

static void say_nothing(void *arg, const char *line)
{
	(void)arg;
	sim_note("%s", line);
}

/* The machine is no new one: the time 0 was ages ago. */
static void grow_old(void)
{
	static _Atomic uint32_t word;

	while (host_now() < AGES)
		host_wait(&word, 0, AGES);
}

static void begin(const struct server_config *with)
{
	struct ward_nats_config config = WARD_NATS_CONFIG_INIT;

	grow_old();
	server = *with;
	server_begin(with);
	jobs_put = jobs_taken = 0;
	jobs_over = false;
	skew = 0;
	memset(job, 0, sizeof(job));
	atomic_init(&jobs_word, 0);
	for (int i = 0; i < WORKERS; i++)
		check(!host_spawn(&thread[i], NULL, works, NULL, NULL));
	check(!host_spawn(&thread[WORKERS], NULL, convictions ? convicts : works, NULL, NULL));
	config.url = "u";
	config.stream = "s";
	config.consumer = "c";
	config.results = "R.";
	config.dead = "D";
	config.pool = (struct ward_pool *)job;
	config.run = process;
	config.in_flight = MOST;
	config.out_max = 8;
	config.backoff_min = 1;
	config.log = say_nothing;
	config.flags = sim_choose(2) ? WARD_NATS_DOUBLE_ACK : 0;
	check(!ward_nats_create(&nats, &config));
}

static void adds_up(void)
{
	struct ward_nats_stats s = WARD_NATS_STATS_INIT;

	check(!ward_nats_stats(nats, &s));
	check(!s.in_flight && !s.asked && !s.running && !s.malformed);
	check(s.fetched == s.done + s.already + s.handed_back + s.dead + s.fenced + s.lapsed);
	check(server.ack_wait || !s.lapsed);
	check(!s.overrun || s.retried); /* a request that took too long */
}

static void finish(void)
{
	check(!ward_nats_drain(nats, WARD_FOREVER));
	check(server_has_all_back());
	adds_up();
	check(!ward_nats_destroy(nats, WARD_FOREVER) || server.time);
	jobs_end();
	server_end();
	check(sim_unfreed() == 0);
}

/* ---- scenarios ----------------------------------------------------------------------------- */

static offstage void move_clock(ward_ns span)
{
	skew += span;
}

/* Some time passes all at once, or none; and the keeper looks. */
static void pass_time(void)
{
	if (server.time)
		move_clock(STEP);
	server_time_passes(ward_now());
	keeper_wake(nats);
}

static void passes_time(void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++) {
		sim_dawdle(sim_choose(40));
		pass_time();
	}
}

static void all_settle(const struct server_config *with)
{
	host_thread time;

	begin(with);
	check(!host_spawn(&time, NULL, passes_time, NULL, NULL));
	host_join(time, HOST_FOREVER);
	for (int i = 0; !server_wait_settled(with->time ? host_now() + STEP : HOST_FOREVER);
	     i++) {
		if (i == 4)
			sim_enough(); /* a thread is kept away for ages */
		pass_time();
	}
	finish();
}

static void nats_done(void)
{
	static const struct server_config with = { .messages = 3, .most = MOST };

	faults = sim_choose(3);
	convictions = 0;
	all_settle(&with);
}
SCENARIO(nats_done, "a message is lost, or ends twice", .steps = 200000, .share = 2);

static void nats_convicted(void)
{
	static const struct server_config with = { .messages = 2, .most = MOST };

	faults = 0;
	convictions = 1;
	all_settle(&with);
}
SCENARIO(nats_convicted, "who was convicted has a say still", .steps = 200000);

static void nats_late(void)
{
	static const struct server_config with = { .messages = 2, .losses = 2, .time = true };

	faults = sim_choose(2);
	convictions = sim_choose(2);
	all_settle(&with);
}
SCENARIO(nats_late, "an answer that is lost, or late, is slept over", .steps = 200000);

static void nats_lapsed(void)
{
	static const struct server_config with = {
		.messages = 2, .losses = 1, .time = true, .ack_wait = STEP - 1
	};

	faults = sim_choose(2);
	convictions = sim_choose(2);
	all_settle(&with);
}
SCENARIO(nats_lapsed, "what is another's by now is answered", .steps = 200000);

static void nats_drained(void)
{
	struct server_config with = { .messages = 1 + 2 * sim_choose(2), .most = MOST };

	faults = sim_choose(2);
	convictions = sim_choose(2);
	begin(&with);
	sim_dawdle(sim_choose(60));
	if (sim_choose(2)) {
		ward_nats_drain(nats, WARD_NOWAIT);
		check(!load_acquire(&nats->in_flight));
	}
	finish();
}
SCENARIO(nats_drained, "a drain waits for ever, or leaves one", .steps = 200000,
	 .share = 2);

static void lands(void *arg)
{
	(void)arg;
	sim_dawdle(sim_choose(12));
	landed(nats);
}

/* The last one ends just as a drain begins, and nothing else is there to wake that one. */
static void nats_landed(void)
{
	static const struct server_config with = { .most = MOST };
	host_thread last;

	faults = convictions = 0;
	begin(&with);
	add_acq_rel(&nats->in_flight, 1);
	check(!host_spawn(&last, NULL, lands, NULL, NULL));
	check(!ward_nats_drain(nats, WARD_FOREVER));
	host_join(last, HOST_FOREVER);
	finish();
}
SCENARIO(nats_landed, "the last one ends, and a drain sleeps on", .steps = 200000);
