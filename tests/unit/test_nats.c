/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool fed from a work queue, against a real server: how each message ends, and what a
 * process holds meanwhile.
 */
#include "nats_queue.h"
#include <pthread.h>
#include <sys/mman.h>
#include <ward/cell.h>
#include <ward/limit.h>

NATS_IS_THERE;

#define SOME 200

static _Atomic int runs, open;

static int echo(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	runs++;
	memcpy(m->out, m->data, m->size);
	m->out_size = m->size;
	return 0;
}

/* Until the test opens it, with a sign of life now and then. */
static int wait_open(void *arg, struct ward_nats_message *m)
{
	runs++;
	while (!open && !ward_check())
		nats_Sleep(1);
	echo(arg, m);
	runs--;
	return 0;
}

/* The first delivery sleeps, without a sign of life, until the test opens it. */
static int hang_first(void *arg, struct ward_nats_message *m)
{
	if (m->delivery > 1)
		return echo(arg, m);
	while (!open)
		nats_Sleep(1);
	snprintf(m->out, m->out_max, "late");
	m->out_size = 4;
	return 0;
}

/* ---- done ------------------------------------------------------------------------ */

static void each_is_done(uint32_t flags)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	char key[16], text[16];

	server_begin(LONG);
	put(SOME);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = echo;
	config.in_flight = 8;
	config.flags = flags;
	nats = nats_of(&config);
	soon(counted(nats).done == SOME);
	soon(left() == 0);
	cr_assert_eq(runs, SOME);
	cr_assert_eq(counted(nats).results, SOME);
	cr_assert_eq(counted(nats).fetched, SOME);
	cr_assert_eq(counted(nats).overrun, 0);
	for (int i = 1; i <= SOME; i++) {
		snprintf(key, sizeof(key), "%d", i);
		snprintf(text, sizeof(text), "m%d", i);
		cr_assert_str_eq(result_of(key), text);
	}
	nats_end(nats, pool);
	server_end();
}

Test(nats, each_is_done_once)
{
	each_is_done(0);
}

Test(nats, done_when_the_server_has_confirmed)
{
	each_is_done(WARD_NATS_DOUBLE_ACK);
}

/* ---- never more than there is room for ------------------------------------------- */

Test(nats, holds_as_many_as_there_is_room_for)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put(SOME);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = wait_open;
	config.in_flight = 5;
	nats = nats_of(&config);
	soon(counted(nats).running == 2);
	soon(counted(nats).in_flight == 5 && !counted(nats).asked); /* no more can come */
	cr_assert_eq(pending(), 5);
	open = 1;
	soon(counted(nats).done == SOME);
	cr_assert_eq(counted(nats).overrun, 0);
	nats_end(nats, pool);
	server_end();
}

Test(nats, a_lane_takes_what_it_has_room_for)
{
	struct ward_lane_config lane = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put(20);
	pool = pool_of(4);
	config = config_of(pool);
	lane.active = 1;
	lane.queued = 2;
	cr_assert_eq(ward_lane_create(&config.lane, pool, &lane), 0);
	config.run = wait_open;
	nats = nats_of(&config);
	soon(counted(nats).in_flight == 3 && !counted(nats).asked); /* no more can come */
	cr_assert_eq(pending(), 3);
	soon(runs == 1);
	open = 1;
	soon(counted(nats).done == 20);
	adds_up(nats);
	cr_assert_eq(ward_nats_destroy(nats, ward_in(IN_TIME)), 0);
	soon(ward_lane_destroy(config.lane) == 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	server_end();
}

/* What waits for its lane's limit is in flight, and is done in its time. */
Test(nats, a_lane_with_a_rate)
{
	struct ward_lane_config lane = WARD_LANE_CONFIG_INIT;
	struct ward_limit limit, *limits = &limit;
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	ward_ns since;

	server_begin(LONG);
	put(20);
	pool = pool_of(4);
	config = config_of(pool);
	cr_assert_eq(ward_limit_init(&limit, 25, 1), 0);
	lane.limits = &limits;
	lane.nlimits = 1;
	cr_assert_eq(ward_lane_create(&config.lane, pool, &lane), 0);
	config.run = echo;
	since = ward_now();
	nats = nats_of(&config);
	soon(counted(nats).done >= 10);
	cr_assert_geq(ward_now() - since, 9 * WARD_S(1) / 25);
	/* Those that wait for it are handed back at once. */
	ward_limit_set(&limit, 0.001, 1);
	cr_assert_eq(ward_nats_drain(nats, ward_in(IN_TIME)), 0);
	soon(counted(nats).done + left() == 20);
	cr_assert_eq(counted(nats).redelivered, 0);
	soon(counted(nats).zombies == 0);
	adds_up(nats);
	cr_assert_eq(ward_nats_destroy(nats, ward_in(IN_TIME)), 0);
	soon(ward_lane_destroy(config.lane) == 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	server_end();
}

/* More than the pool's ring takes: messages without room wait, and are not lost. */
Test(nats, what_the_pool_has_no_room_for_waits)
{
	struct ward_pool_config small = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put(SOME);
	small.workers = 1;
	small.ring = 2;
	cr_assert_eq(ward_pool_create(&pool, &small), 0);
	cr_assert_eq(ward_pool_start(pool), 0);
	config = config_of(pool);
	config.run = wait_open;
	nats = nats_of(&config);
	soon(counted(nats).in_flight == 64);
	open = 1;
	soon(counted(nats).done == SOME);
	cr_assert_eq(counted(nats).handed_back, 0);
	nats_end(nats, pool);
	server_end();
}

/* ---- leases ---------------------------------------------------------------------- */

Test(nats, a_task_that_beats_keeps_its_message)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	ward_ns until;

	server_begin(SHORT);
	put(3);
	pool = pool_of(1); /* two of them wait in the pool */
	config = config_of(pool);
	config.run = wait_open;
	nats = nats_of(&config);
	soon(counted(nats).in_flight == 3);
	until = ward_in(4 * SHORT);
	while (ward_now() < until)
		nats_Sleep(10);
	open = 1;
	soon(counted(nats).done == 3);
	cr_assert_eq(counted(nats).redelivered, 0);
	cr_assert_geq(counted(nats).extended, 3 * 4);
	nats_end(nats, pool);
	server_end();
}

/* ---- handed back ----------------------------------------------------------------- */

/* A convicted attempt's message is run again long before its ack wait, and what the
 * attempt says later counts for nothing. */
Test(nats, a_convicted_attempt_is_handed_back_at_once)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put(1);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = hang_first;
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	cr_assert_str_eq(result_of("1"), "m1");
	cr_assert_eq(counted(nats).lost, 1);
	cr_assert_eq(counted(nats).handed_back, 1);
	cr_assert_eq(counted(nats).claims, 1);
	cr_assert_eq(counted(nats).zombies, 1);
	open = 1;
	soon(counted(nats).zombies == 0);
	cr_assert_str_eq(result_of("1"), "m1");
	cr_assert_eq(stream_count("KV_" QUEUE_BUCKET), 1);
	nats_end(nats, pool);
	server_end();
}

/* Nor is its lease extended: another process may have it. */
Test(nats, a_convicted_attempt_has_no_lease)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	uint64_t extended;

	server_begin(SHORT);
	put(1);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = hang_first;
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	soon(counted(nats).zombies == 1);
	extended = counted(nats).extended;
	nats_Sleep(SHORT / 1000000);
	cr_assert_eq(counted(nats).extended, extended);
	open = 1;
	soon(counted(nats).zombies == 0);
	nats_end(nats, pool);
	server_end();
}

static int end_first(void *arg, struct ward_nats_message *m)
{
	if (m->delivery == 1)
		pthread_exit(NULL);
	if (m->delivery == 2)
		abort();
	if (m->delivery == 3)
		return -EIO;
	return echo(arg, m);
}

Test(nats, died_faulted_failed_and_then_done)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put(1);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = end_first;
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	cr_assert_str_eq(result_of("1"), "m1");
	cr_assert_eq(counted(nats).lost, 2);
	cr_assert_eq(counted(nats).failed, 1);
	cr_assert_eq(counted(nats).handed_back, 3);
	nats_end(nats, pool);
	server_end();
}

/* ---- dead letters ---------------------------------------------------------------- */

static int fail(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	runs++;
	return m->size && *(const char *)m->data == 'b' ? -EBADMSG :
							   ward_fail(-EIO, "no such luck");
}

static natsMsg *dead_letter(uint64_t sequence)
{
	natsMsg *msg = NULL;

	nats_ok(js_GetMsg(&msg, queue.js, "DEAD", sequence, NULL, NULL));
	return msg;
}

static void has(natsMsg *msg, const char *header, const char *value)
{
	const char *had = "";

	nats_ok(natsMsgHeader_Get(msg, header, &had));
	cr_assert(strstr(had, value), "%s: %s", header, had);
}

Test(nats, poison_is_a_dead_letter_with_its_report)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	natsMsg *msg;

	server_begin(LONG);
	put_with("evil", "Color", "red");
	pool = pool_of(1);
	config = config_of(pool);
	config.run = fail;
	config.deliveries = 2;
	nats = nats_of(&config);
	soon(counted(nats).dead == 1);
	soon(left() == 0);
	cr_assert_eq(runs, 2);
	msg = dead_letter(1);
	cr_assert_str_eq(natsMsg_GetData(msg), "evil");
	has(msg, "Color", "red");
	has(msg, "Ward-Stream", QUEUE_STREAM);
	has(msg, "Ward-Subject", QUEUE_SUBJECT ".a");
	has(msg, "Ward-Sequence", "1");
	has(msg, "Ward-Deliveries", "2");
	has(msg, "Ward-Reason", "not done");
	has(msg, "Ward-Report", "no such luck");
	natsMsg_Destroy(msg);
	/* It has no result, and a late one would be refused. */
	cr_assert_str_empty(result_of("1"));
	cr_assert_eq(stream_count("KV_" QUEUE_BUCKET), 1);

	put_with("bad", NULL, NULL);
	soon(counted(nats).dead == 2);
	cr_assert_eq(runs, 3);
	msg = dead_letter(2);
	has(msg, "Ward-Deliveries", "1");
	natsMsg_Destroy(msg);
	nats_end(nats, pool);
	server_end();
}

Test(nats, what_cannot_be_run_is_a_dead_letter)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	natsMsg *msg;

	server_begin(LONG);
	put_with("no key", "Ward-Key", "a..b");
	put_with("too large", NULL, NULL);
	put_with("fine", "Ward-Key", "a.b");
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	config.in_max = 8;
	nats = nats_of(&config);
	soon(counted(nats).dead == 2 && counted(nats).done == 1);
	cr_assert_str_eq(result_of("a.b"), "fine");
	msg = dead_letter(1);
	has(msg, "Ward-Reason", "Ward-Key");
	natsMsg_Destroy(msg);
	msg = dead_letter(2);
	has(msg, "Ward-Reason", "in_max");
	natsMsg_Destroy(msg);
	cr_assert_eq(runs, 1);
	nats_end(nats, pool);
	server_end();
}

static void add_dead(void)
{
	const char *subject = QUEUE_DEAD_SUBJECT;
	jsStreamConfig config;

	jsStreamConfig_Init(&config);
	config.Name = QUEUE_DEAD;
	config.Subjects = &subject;
	config.SubjectsLen = 1;
	nats_ok(js_AddStream(NULL, queue.js, &config, NULL, NULL));
}

/* While no stream takes its dead letter, a message is not lost. */
Test(nats, a_dead_letter_is_stored_first)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = fail;
	nats = nats_of(&config);
	nats_ok(js_DeleteStream(queue.js, QUEUE_DEAD, NULL, NULL));
	put_with("bad", NULL, NULL);
	soon(counted(nats).retried > 0);
	cr_assert_eq(left(), 1);
	cr_assert_eq(counted(nats).dead, 0);
	add_dead();
	soon(counted(nats).dead == 1);
	soon(left() == 0);
	cr_assert_eq(stream_count(QUEUE_DEAD), 1);
	nats_end(nats, pool);
	server_end();
}

static int refuse_bad(void *arg, struct ward_nats_message *m)
{
	return *(const char *)m->data == 'b' ? -EBADMSG : echo(arg, m);
}

/* It comes back, after its longest backoff; others are done meanwhile. */
Test(nats, poison_without_dead_letters)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put_with("bad", NULL, NULL);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = refuse_bad;
	config.dead = NULL;
	config.backoff_max = WARD_S(600);
	nats = nats_of(&config);
	soon(counted(nats).handed_back == 1);
	for (uint64_t i = 1; i <= 3; i++) {
		put(1);
		soon(counted(nats).done == i);
	}
	cr_assert_eq(counted(nats).fetched, 4);
	cr_assert(was_said("poison"));
	soon(left() == 1);
	nats_end(nats, pool);
	server_end();
}

/* Handed back by another process, which is as if it had died of it. */
Test(nats, one_delivery_too_many_does_not_run)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	natsMsg *msg;

	server_begin(LONG);
	put(1);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = wait_open;
	nats = nats_of(&config);
	soon(counted(nats).running == 1);
	cr_assert_geq(ward_nats_destroy(nats, WARD_NOWAIT), 0);
	config.run = refuse_bad;
	config.deliveries = 1;
	nats = nats_of(&config);
	soon(counted(nats).dead == 1);
	soon(left() == 0);
	cr_assert_eq(counted(nats).failed + counted(nats).results, 0);
	msg = dead_letter(1);
	has(msg, "Ward-Deliveries", "2");
	natsMsg_Destroy(msg);
	nats_end(nats, pool);
	server_end();
}

static int say_much(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	m->out_size = m->delivery == 1 && *(const char *)m->data == 'a' ? m->out_max :
								     m->out_max + 1;
	return 0;
}

Test(nats, a_result_that_is_too_large)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	natsMsg *msg;

	server_begin(LONG);
	put_with("a", NULL, NULL); /* than the server takes: 1 MiB */
	pool = pool_of(1);
	config = config_of(pool);
	config.run = say_much;
	config.out_max = 1 << 20;
	nats = nats_of(&config);
	soon(counted(nats).dead == 1);
	put_with("b", NULL, NULL); /* than out_max */
	soon(counted(nats).dead == 2);
	msg = dead_letter(1);
	has(msg, "Ward-Reason", "the server takes");
	natsMsg_Destroy(msg);
	msg = dead_letter(2);
	has(msg, "Ward-Reason", "out_max");
	natsMsg_Destroy(msg);
	nats_end(nats, pool);
	server_end();
}

static void limit_results(int32_t size)
{
	jsStreamInfo *info = NULL;

	nats_ok(js_GetStreamInfo(&info, queue.js, QUEUE_RESULTS_STREAM, NULL, NULL));
	info->Config->MaxMsgSize = size;
	nats_ok(js_UpdateStream(NULL, queue.js, info->Config, NULL, NULL));
	jsStreamInfo_Destroy(info);
}

Test(nats, a_result_that_its_stream_does_not_take)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	natsMsg *msg;

	server_begin(LONG);
	limit_results(2000);
	put_with("a", NULL, NULL);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = say_much;
	nats = nats_of(&config);
	soon(counted(nats).dead == 1);
	soon(left() == 0);
	msg = dead_letter(1);
	has(msg, "Ward-Reason", "the stream takes");
	natsMsg_Destroy(msg);
	nats_end(nats, pool);
	server_end();
}

/* Two messages of one key: the second finds the first one's result. */
Test(nats, a_key_has_one_result)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put_with("one", "Ward-Key", "same");
	put_with("two", "Ward-Key", "same");
	pool = pool_of(1);
	config = config_of(pool);
	config.run = echo;
	nats = nats_of(&config);
	soon(counted(nats).done == 1 && counted(nats).already == 1);
	soon(left() == 0);
	cr_assert_eq(counted(nats).fenced, 0);
	cr_assert_eq(counted(nats).results, 1);
	cr_assert_str_eq(result_of("same"), "one");
	nats_end(nats, pool);
	server_end();
}

static int fail_first(void *arg, struct ward_nats_message *m)
{
	return m->delivery == 1 ? -EIO : echo(arg, m);
}

/* What a server that looks too early may store beside it has the same identity. */
Test(nats, what_follows_a_claim_has_one_identity)
{
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;
	jsPubAck *stored = NULL;
	jsPubOptions id;

	server_begin(LONG);
	put(1);
	pool = pool_of(1);
	config = config_of(pool);
	config.run = fail_first;
	nats = nats_of(&config);
	soon(counted(nats).done == 1);
	nats_end(nats, pool);
	jsPubOptions_Init(&id);
	id.MsgId = QUEUE_RESULTS "1@1"; /* the claim is the bucket's first record */
	nats_ok(js_Publish(&stored, queue.js, QUEUE_RESULTS "1", "x", 1, &id, NULL));
	cr_assert(stored->Duplicate);
	cr_assert_eq(stored->Sequence, 2);
	jsPubAck_Destroy(stored);
	server_end();
}

/* ---- cells ----------------------------------------------------------------------- */

static _Atomic int *deaths; /* seen by all cells */

static int cell_echo(struct ward_request *request)
{
	if (!memcmp(request->in, "die", 3) && !(*deaths)++)
		abort();
	memcpy(request->out, request->in, request->in_size);
	request->out_size = request->in_size;
	return 0;
}

/* Before Criterion has threads. */
__attribute__((constructor)) static void before_main(void)
{
	deaths = mmap(NULL, sizeof(*deaths), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (deaths == MAP_FAILED || ward_cell_zygote())
		abort();
}

static struct ward_cells *cells_of(struct ward_pool *pool)
{
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_cells_config config = WARD_CELLS_CONFIG_INIT;
	struct ward_cells *cells;

	program.run = cell_echo;
	config.program = &program;
	config.cells = 1;
	config.depth = 2; /* others wait for room */
	config.in_max = 64;
	cr_assert_eq(ward_cells_create(&cells, pool, &config), 0);
	return cells;
}

Test(nats, calls_to_cells)
{
	static char large[80];
	struct ward_pool *pool;
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put(20);
	put_with("die", NULL, NULL);
	memset(large, 'x', 64);
	put_with(large, NULL, NULL);
	large[64] = 'x'; /* more than a cell takes */
	put_with(large, NULL, NULL);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = NULL;
	config.cells = cells_of(pool);
	nats = nats_of(&config);
	soon(counted(nats).done == 22 && counted(nats).dead == 1);
	cr_assert_str_eq(result_of("20"), "m20");
	cr_assert_str_eq(result_of("21"), "die");
	cr_assert_geq(counted(nats).lost, 1);
	cr_assert_eq(counted(nats).results, 22);
	adds_up(nats);
	cr_assert_eq(ward_nats_destroy(nats, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_cells_destroy(config.cells, ward_in(IN_TIME)), 0);
	cr_assert_eq(ward_pool_destroy(pool, ward_in(IN_TIME)), 0);
	server_end();
}
