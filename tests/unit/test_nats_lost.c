/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message of the protocol is lost on its way, or is late: a stored result is stored
 * once, and nothing is missing.  This program stands between libward-nats and the client
 * library.
 */
#include "nats_queue.h"
#include <stdatomic.h>

NATS_IS_THERE;

/* ---- what is lost ---------------------------------------------------------------- */

natsStatus __real_natsConnection_Subscribe(natsSubscription **, natsConnection *,
					   const char *, natsMsgHandler, void *);
natsStatus __wrap_natsConnection_Subscribe(natsSubscription **, natsConnection *,
					   const char *, natsMsgHandler, void *);
natsStatus __real_natsConnection_PublishMsg(natsConnection *, natsMsg *);
natsStatus __wrap_natsConnection_PublishMsg(natsConnection *, natsMsg *);
natsStatus __real_natsConnection_Publish(natsConnection *, const char *, const void *, int);
natsStatus __wrap_natsConnection_Publish(natsConnection *, const char *, const void *, int);

/* To be lost: so many requests, or answers, with that in it. */
static struct {
	const char *what;
	_Atomic int n;
} lose_sent, lose_text, lose_answer;

/* Claims of the connection that is first to send one wait until the test opens it. */
static _Atomic int hold_claims, claims_held, open;
static natsConnection *_Atomic held;

static void hold(natsConnection *nc)
{
	if (!held)
		held = nc;
	if (held != nc)
		return;
	claims_held++;
	while (!open)
		nats_Sleep(1);
}

/* A result that is sent while it is 1 waits, and makes it 2, until the test makes it 0. */
static _Atomic int hold_result;

static void hold_until_let_go(void)
{
	int one = 1;

	if (!atomic_compare_exchange_strong(&hold_result, &one, 2))
		return;
	while (hold_result)
		nats_Sleep(1);
}

static bool lost(const char *what, int n_before, _Atomic int *n, const char *text)
{
	return n_before > 0 && what && strstr(text, what) && (*n)-- > 0;
}

static struct {
	natsMsgHandler handler;
	void *arg;
} subscribed[64];
static _Atomic unsigned subscriptions;

/* The first answer, to be heard once more. */
static struct {
	char subject[128], text[512];
} first_answer;

static void keep_answer(natsMsg *msg)
{
	if (*first_answer.subject)
		return;
	snprintf(first_answer.text, sizeof(first_answer.text), "%.*s",
		 natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
	snprintf(first_answer.subject, sizeof(first_answer.subject), "%s",
		 natsMsg_GetSubject(msg));
}

static void came(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;

	if (i == 0)
		keep_answer(msg);
	if (lost(lose_answer.what, lose_answer.n, &lose_answer.n,
		 natsMsg_GetDataLength(msg) ? natsMsg_GetData(msg) : ""))
		natsMsg_Destroy(msg);
	else
		subscribed[i].handler(nc, sub, msg, subscribed[i].arg);
}

natsStatus __wrap_natsConnection_Subscribe(natsSubscription **sub, natsConnection *nc,
					   const char *subject, natsMsgHandler handler,
					   void *arg)
{
	size_t i = subscriptions++;

	cr_assert_lt(i, 64);
	subscribed[i].handler = handler;
	subscribed[i].arg = arg;
	return __real_natsConnection_Subscribe(sub, nc, subject, came, (void *)i);
}

static bool is_claim(natsMsg *msg)
{
	const char *value;

	return natsMsgHeader_Get(msg, "KV-Operation", &value) == NATS_OK;
}

natsStatus __wrap_natsConnection_PublishMsg(natsConnection *nc, natsMsg *msg)
{
	const char *subject = natsMsg_GetSubject(msg);

	if (hold_claims && is_claim(msg))
		hold(nc);
	if (strstr(subject, "$KV."))
		hold_until_let_go();
	if (lost(lose_sent.what, lose_sent.n, &lose_sent.n,
		 is_claim(msg) ? "claim" : subject))
		return NATS_OK;
	return __real_natsConnection_PublishMsg(nc, msg);
}

natsStatus __wrap_natsConnection_Publish(natsConnection *nc, const char *subject,
					 const void *data, int size)
{
	if (lost(lose_text.what, lose_text.n, &lose_text.n, size ? data : ""))
		return NATS_OK;
	return __real_natsConnection_Publish(nc, subject, data, size);
}

/* ---- a process ------------------------------------------------------------------- */

static _Atomic int runs;

static int echo(void *arg, struct ward_nats_message *m)
{
	(void)arg;
	runs++;
	m->out_size = (uint32_t)snprintf(m->out, m->out_max, "%.*s by %u", (int)m->size,
					 (const char *)m->data, (unsigned)m->delivery);
	return 0;
}

static int fail_first(void *arg, struct ward_nats_message *m)
{
	return m->delivery == 1 ? -EIO : echo(arg, m);
}

static struct ward_pool *pool;

static struct ward_nats *begin(int (*run)(void *, struct ward_nats_message *),
			       ward_ns ack_wait, uint32_t flags)
{
	struct ward_nats_config config;

	server_begin(ack_wait);
	put(1);
	pool = pool_of(2);
	config = config_of(pool);
	config.run = run;
	config.flags = flags;
	config.in_flight = 1;
	return nats_of(&config);
}

/* One result, of that delivery; and nothing is to come. */
static void had_one(struct ward_nats *nats, const char *result)
{
	soon(left() == 0);
	soon(counted(nats).in_flight == 0);
	cr_assert_str_eq(result_of("1"), result);
	cr_assert_eq(counted(nats).results, 1);
	nats_end(nats, pool);
	server_end();
}

/* As if it had come: to the answers (0), or to an asker. */
static void comes(size_t to, const char *subject, const char *reply, const char *text)
{
	natsMsg *msg = NULL;

	nats_ok(natsMsg_Create(&msg, subject, reply, text, (int)strlen(text)));
	subscribed[to].handler(NULL, NULL, msg, subscribed[to].arg);
}

/* ---- what is sent ---------------------------------------------------------------- */

Test(nats_lost, a_result)
{
	lose_sent.what = "$KV.";
	lose_sent.n = 1;
	struct ward_nats *nats = begin(echo, LONG, 0);

	soon(counted(nats).done == 1);
	cr_assert_eq(counted(nats).retried, 1);
	cr_assert_eq(runs, 1);
	had_one(nats, "m1 by 1");
}

Test(nats_lost, a_claim)
{
	lose_sent.what = "claim";
	lose_sent.n = 1;
	struct ward_nats *nats = begin(fail_first, LONG, 0);

	soon(counted(nats).done == 1);
	cr_assert_eq(counted(nats).retried, 1);
	had_one(nats, "m1 by 2");
}

/* The message comes back, finds its result, and does not run. */
Test(nats_lost, an_acknowledgement)
{
	lose_text.what = "+ACK";
	lose_text.n = 1;
	struct ward_nats *nats = begin(echo, SHORT, 0);

	soon(counted(nats).already == 1);
	cr_assert_eq(runs, 1);
	had_one(nats, "m1 by 1");
}

/* Asked for a confirmation it is sent again, and never comes back. */
Test(nats_lost, an_acknowledgement_to_be_confirmed)
{
	lose_sent.what = "$JS.ACK";
	lose_sent.n = 1;
	struct ward_nats *nats = begin(echo, LONG, WARD_NATS_DOUBLE_ACK);

	soon(counted(nats).done == 1);
	cr_assert_eq(counted(nats).retried, 1);
	cr_assert_eq(counted(nats).redelivered, 0);
	had_one(nats, "m1 by 1");
}

/* It comes back by its ack wait. */
Test(nats_lost, a_hand_back)
{
	lose_text.what = "-NAK";
	lose_text.n = 1;
	struct ward_nats *nats = begin(fail_first, SHORT, 0);

	soon(counted(nats).done == 1);
	had_one(nats, "m1 by 2");
}

/* ---- what is answered ------------------------------------------------------------ */

/* It was stored; sent again it is refused, and found to be this one's. */
Test(nats_lost, the_answer_to_a_result)
{
	lose_answer.what = "\"stream\"";
	lose_answer.n = 1;
	struct ward_nats *nats = begin(echo, LONG, 0);

	soon(counted(nats).done == 1);
	cr_assert_eq(runs, 1);
	cr_assert_eq(stream_count("KV_" QUEUE_BUCKET), 1);
	had_one(nats, "m1 by 1");
}

Test(nats_lost, the_answer_to_a_result_after_a_claim)
{
	struct ward_nats *nats;

	lose_answer.what = "\"stream\""; /* of the claim, of the second result */
	lose_answer.n = 2;
	nats = begin(fail_first, LONG, 0);
	soon(counted(nats).done == 1);
	cr_assert_eq(runs, 1);
	cr_assert_eq(counted(nats).claims, 1);
	had_one(nats, "m1 by 2");
}

/* The answer to the claim, as that to the result is awaited. */
Test(nats_lost, an_answer_of_before)
{
	struct ward_nats *nats;

	lose_sent.what = "$KV.";
	lose_sent.n = 1;
	nats = begin(fail_first, LONG, 0);
	soon(lose_sent.n == 0);
	cr_assert(strstr(first_answer.text, "\"seq\":1"), "%s", first_answer.text);
	comes(0, first_answer.subject, NULL, first_answer.text);
	cr_assert_eq(counted(nats).results, 0);
	soon(counted(nats).done == 1);
	had_one(nats, "m1 by 2");
}

/* The stored record, when the result was refused: asked for once more. */
Test(nats_lost, the_answer_to_a_question)
{
	struct ward_nats *nats;

	lose_answer.what = ""; /* of the result, and of the stored record */
	nats = begin(echo, LONG, 0);
	soon(counted(nats).done == 1);
	put_with("again", "Ward-Key", "1");
	lose_answer.what = "hdrs";
	lose_answer.n = 1;
	soon(counted(nats).already == 1);
	had_one(nats, "m1 by 1");
}

Test(nats_lost, the_answer_to_a_dead_letter)
{
	struct ward_nats_config config;
	struct ward_nats *nats;

	server_begin(LONG);
	put_with("too large", NULL, NULL);
	lose_answer.what = "\"DEAD\"";
	lose_answer.n = 1;
	pool = pool_of(2);
	config = config_of(pool);
	config.run = echo;
	config.in_max = 4;
	nats = nats_of(&config);
	soon(counted(nats).dead == 1);
	soon(left() == 0);
	cr_assert_eq(counted(nats).retried, 1);
	cr_assert_eq(stream_count("DEAD"), 1);
	nats_end(nats, pool);
	server_end();
}

/* ---- what is late ---------------------------------------------------------------- */

static _Atomic int go_on;

static int wait_go_on(void *arg, struct ward_nats_message *m)
{
	while (!go_on && !ward_check())
		nats_Sleep(1);
	return echo(arg, m);
}

/*
 * Two processes have the same message, for the first one's lease ran out at the server.
 * Its claim comes when the claim of the other one is there, or the result.
 */
static void claim_is_late(bool result_is_there)
{
	struct ward_nats *first, *second;
	struct ward_nats_config config;

	hold_claims = 1;
	lose_text.what = "+WPI";
	lose_text.n = 1000000;
	go_on = result_is_there;
	first = begin(fail_first, SHORT, 0);
	soon(claims_held == 1);
	config = config_of(pool);
	config.run = wait_go_on;
	second = nats_of(&config);
	soon(counted(second).claims == 1);
	lose_text.n = 0;
	if (result_is_there)
		soon(counted(second).done == 1);
	open = 1;
	if (result_is_there)
		soon(counted(first).already == 1);
	else
		soon(counted(first).fenced == 1);
	go_on = 1;
	soon(counted(second).done == 1);
	cr_assert_eq(runs, 1);
	adds_up(first);
	cr_assert_eq(ward_nats_destroy(first, ward_in(IN_TIME)), 0);
	had_one(second, "m1 by 3");
}

Test(nats_lost, a_claim_comes_after_another)
{
	claim_is_late(false);
}

Test(nats_lost, a_claim_comes_after_a_result)
{
	claim_is_late(true);
}

/* The first one runs when the second has claimed: its result is refused. */
Test(nats_lost, a_result_comes_after_a_claim)
{
	struct ward_nats *first, *second;
	struct ward_nats_config config;

	lose_text.what = "+WPI";
	lose_text.n = 1000000;
	first = begin(wait_go_on, SHORT, 0);
	soon(counted(first).running == 1);
	config = config_of(pool);
	config.run = echo;
	second = nats_of(&config);
	soon(counted(second).done == 1);
	go_on = 1;
	soon(counted(first).fenced == 1);
	cr_assert_eq(runs, 2);
	adds_up(first);
	cr_assert_eq(counted(first).results, 0);
	cr_assert_eq(ward_nats_destroy(first, ward_in(IN_TIME)), 0);
	had_one(second, "m1 by 2");
}

static int fail_then_wait(void *arg, struct ward_nats_message *m)
{
	return m->delivery == 1 ? -EIO : wait_go_on(arg, m);
}

/* Both follow the same claim, so the result has the identity of the other one's claim. */
Test(nats_lost, a_result_is_a_duplicate)
{
	struct ward_nats *first, *second;
	struct ward_nats_config config;

	lose_text.what = "+WPI";
	lose_text.n = 1000000;
	first = begin(fail_then_wait, SHORT, 0);
	soon(counted(first).running == 1 && counted(first).claims == 1);
	config = config_of(pool);
	config.run = echo;
	second = nats_of(&config);
	soon(counted(second).done == 1);
	go_on = 1;
	soon(counted(first).fenced == 1);
	cr_assert_eq(runs, 2);
	cr_assert_eq(counted(first).results, 0);
	adds_up(first);
	cr_assert_eq(ward_nats_destroy(first, ward_in(IN_TIME)), 0);
	had_one(second, "m1 by 3");
}

/* Its claim was removed: nothing is there that it could follow. */
Test(nats_lost, the_claim_itself)
{
	struct ward_nats *nats = begin(fail_then_wait, LONG, 0);

	soon(counted(nats).running == 1 && counted(nats).claims == 1);
	nats_ok(js_PurgeStream(queue.js, QUEUE_RESULTS_STREAM, NULL, NULL));
	go_on = 1;
	soon(counted(nats).done == 1);
	cr_assert_eq(runs, 1);
	had_one(nats, "m1 by 2");
}

/* ---- a connection lost ----------------------------------------------------------- */

/* What was asked for by the last one is not taken for what this one asks for. */
Test(nats_lost, a_connection)
{
	struct ward_nats_config config;
	struct ward_nats *nats;
	struct proxy *proxy;

	server_begin(LONG);
	put(1);
	proxy = proxy_up(cluster.node[0].port);
	cr_assert(proxy);
	snprintf(url, sizeof(url), "nats://127.0.0.1:%u", proxy_port(proxy));
	pool = pool_of(1);
	config = config_of(pool);
	config.run = wait_go_on;
	config.in_flight = 1;
	nats = nats_of(&config);
	soon(counted(nats).running == 1 && counted(nats).asked == 0);
	cr_assert_eq(subscriptions, 1 + 2); /* answers, and two that ask */
	proxy_cut(proxy);
	soon(subscriptions == 1 + 4);
	go_on = 1;
	soon(counted(nats).done == 1);
	had_one(nats, "m1 by 1");
	proxy_down(proxy);
}

static int second_waits(void *arg, struct ward_nats_message *m)
{
	return m->sequence == 2 ? wait_go_on(arg, m) : echo(arg, m);
}

/* The keeper comes to the second message late in its look, in which it sends everything
 * again, and the result of that has just been sent: it is not given up. */
Test(nats_lost, a_connection_as_a_result_is_sent)
{
	struct ward_nats_config config;
	struct ward_nats *nats;
	struct proxy *proxy;

	lose_sent.what = "$KV.";
	lose_sent.n = 2;
	server_begin(LONG);
	put(2);
	proxy = proxy_up(cluster.node[0].port);
	cr_assert(proxy);
	snprintf(url, sizeof(url), "nats://127.0.0.1:%u", proxy_port(proxy));
	pool = pool_of(2);
	config = config_of(pool);
	config.run = second_waits;
	config.in_flight = 2;
	nats = nats_of(&config);
	soon(lose_sent.n == 1);
	hold_result = 1;
	soon(hold_result == 2); /* the first one's, again, by the keeper */
	proxy_cut(proxy);
	soon(counted(nats).reconnects == 1);
	go_on = 1;
	soon(lose_sent.n == 0);
	hold_result = 0;
	soon(counted(nats).done == 2);
	cr_assert_eq(counted(nats).handed_back, 0);
	cr_assert_eq(counted(nats).results, 2);
	nats_end(nats, pool);
	proxy_down(proxy);
	server_end();
}

/* ---- what is no message, or no answer -------------------------------------------- */

Test(nats_lost, what_is_no_message_is_told)
{
	static const char *const replies[] = {
		NULL,
		"$JS.ACK",
		"$JS.ACK.",
		"$JS.ACK.WORK.fleet.1.1.1.1",
		"$JS.ACK.WORK.fleet.0.1.1.1.0",
		"$JS.ACK.WORK.fleet.1.0.1.1.0",
		"$JS.ACK.WORK.fleet.x.y.1.1.0",
		"$JS.ACK.WORK.fleet.1.1.1.1.0.0",
		"$JS.ACK._._.WORK.fleet.0.1.1.1.0.x",
	};
	struct ward_nats *nats = begin(echo, LONG, 0);

	soon(counted(nats).done == 1);
	for (uint64_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		comes(1, "work.a", replies[i], "x");
		cr_assert_eq(counted(nats).malformed, i + 1, "%s", replies[i]);
	}
	cr_assert(strstr(last_line, "no message"));
	had_one(nats, "m1 by 1");
}

/* Of a newer server, of another account: its kind is found behind two more tokens. */
Test(nats_lost, a_longer_reply)
{
	struct ward_nats *nats = begin(echo, LONG, 0);

	soon(counted(nats).done == 1 && counted(nats).asked == 1);
	lose_text.what = "+ACK";
	lose_text.n = 1;
	comes(counted(nats).asks % 2 ? 1 : 2, "work.a",
	      "$JS.ACK._.h4sh.WORK.fleet.2.1.7.1.0.x", "m1");
	soon(counted(nats).already + counted(nats).unrun == 1);
	had_one(nats, "m1 by 1");
}

Test(nats_lost, what_is_no_answer_changes_nothing)
{
	static const char *const subjects[] = { "", ".", ".x", ".0", ".0.", ".9999999.1",
						".0.0", ".0.1", ".0.2", ".0.x", "..", ".0.3" };
	char subject[128];
	struct ward_nats *nats;

	go_on = 0;
	nats = begin(wait_go_on, LONG, 0);
	soon(counted(nats).running == 1);
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		snprintf(subject, sizeof(subject), "%s%s",
			 "_INBOX.aaaaaaaaaaaaaaaaaaaaaa", subjects[i]);
		comes(0, subject, NULL, "{\"stream\":\"X\",\"seq\":1}");
	}
	go_on = 1;
	soon(counted(nats).done == 1);
	had_one(nats, "m1 by 1");
}
