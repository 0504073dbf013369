/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats_server.c - a server with one work queue, and the client library: see nats_server.h.
 *
 * The server takes each request in one step, in the thread that sends it; what it says
 * comes by way of a queue for each subscription, to a thread of that one's own.
 */
#include "nats_server.h"
#include "base/host.h"
#include "sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages of the client library ------------------------------------------------ */

#define TEXT_MAX 200
#define HEADERS_MAX 8

struct natsMsg {
	char subject[64], reply[64], data[TEXT_MAX];
	int size;
	uint32_t headers;
	struct {
		char name[40], value[96];
	} header[HEADERS_MAX];
};

static offstage void copy_text(char *to, size_t room, const char *from)
{
	check(snprintf(to, room, "%s", from ? from : "") < (int)room);
}

offstage natsStatus natsMsg_Create(natsMsg **out, const char *subject, const char *reply,
				   const char *data, int size)
{
	natsMsg *msg = host_alloc(sizeof(*msg));

	check(size < TEXT_MAX);
	copy_text(msg->subject, sizeof(msg->subject), subject);
	copy_text(msg->reply, sizeof(msg->reply), reply);
	for (int i = 0; i < size; i++)
		msg->data[i] = data[i];
	msg->size = size;
	*out = msg;
	return NATS_OK;
}

void natsMsg_Destroy(natsMsg *msg)
{
	if (msg)
		host_free(msg, sizeof(*msg));
}

offstage const char *natsMsg_GetSubject(const natsMsg *msg)
{
	return msg->subject;
}

offstage const char *natsMsg_GetReply(const natsMsg *msg)
{
	return *msg->reply ? msg->reply : NULL;
}

offstage const char *natsMsg_GetData(const natsMsg *msg)
{
	return msg->data;
}

offstage int natsMsg_GetDataLength(const natsMsg *msg)
{
	return msg->size;
}

_Bool natsMsg_IsNoResponders(natsMsg *msg)
{
	(void)msg;
	return false;
}

offstage natsStatus natsMsgHeader_Set(natsMsg *msg, const char *name, const char *value)
{
	uint32_t i = msg->headers++;

	check(i < HEADERS_MAX);
	copy_text(msg->header[i].name, sizeof(msg->header[i].name), name);
	copy_text(msg->header[i].value, sizeof(msg->header[i].value), value);
	return NATS_OK;
}

offstage natsStatus natsMsgHeader_Get(natsMsg *msg, const char *name, const char **value)
{
	for (uint32_t i = 0; i < msg->headers; i++)
		if (!strcmp(msg->header[i].name, name)) {
			*value = msg->header[i].value;
			return NATS_OK;
		}
	return NATS_NOT_FOUND;
}

natsStatus natsMsgHeader_Keys(natsMsg *msg, const char ***names, int *n)
{
	(void)msg;
	(void)names;
	(void)n;
	return NATS_NOT_FOUND;
}

/* ---- subscriptions ------------------------------------------------------------------ */

#define QUEUE_MAX 32
#define SUBSCRIPTIONS 12

struct natsSubscription {
	_Atomic uint32_t told; /* X: it has something, or is closed */
	_Atomic uint32_t over; /* its thread's */
	natsMsgHandler handler;
	void *arg;
	host_thread thread;
	/* offstage */
	natsOnCompleteCB complete;
	void *complete_arg;
	char subject[64];
	natsMsg *queue[QUEUE_MAX];
	uint32_t put, taken;
	uint32_t coming; /* on their way to the queue: they come, closed or not */
	uint32_t wanted; /* messages asked for */
	ward_ns wanted_at;
	bool closed, drops;
};

static struct server_config config;
static natsSubscription *subs[SUBSCRIPTIONS];
static _Atomic uint32_t server; /* X: each request is seen by all that come later */
static uint32_t nsubs, inboxes;

static offstage natsMsg *take(natsSubscription *sub)
{
	return sub->taken < sub->put ? sub->queue[sub->taken++ % QUEUE_MAX] : NULL;
}

static offstage bool drops(const natsSubscription *sub)
{
	return sub->drops;
}

static offstage bool is_closed(const natsSubscription *sub)
{
	return sub->closed;
}

static offstage bool is_over(const natsSubscription *sub)
{
	return sub->closed && !sub->coming;
}

static offstage natsOnCompleteCB complete_of(const natsSubscription *sub, void **arg)
{
	*arg = sub->complete_arg;
	return sub->complete;
}

static void handle(natsSubscription *sub, natsMsg *msg)
{
	if (drops(sub))
		natsMsg_Destroy(msg);
	else
		sub->handler(NULL, sub, msg, sub->arg);
}

static void dispatch(void *arg)
{
	natsSubscription *sub = arg;
	natsOnCompleteCB complete;

	for (;;) {
		uint32_t seen = load_acquire(&sub->told);
		natsMsg *msg = take(sub);
		bool over = is_over(sub);

		after_take(&sub->told);
		if (msg)
			handle(sub, msg);
		else if (over)
			break;
		else
			host_wait(&sub->told, seen, HOST_FOREVER);
	}
	complete = complete_of(sub, &arg);
	if (complete)
		complete(arg);
	store_release(&sub->over, 1);
	host_wake(&sub->over, INT32_MAX);
}

static offstage natsSubscription *sub_make(const char *subject)
{
	natsSubscription *sub = host_alloc(sizeof(*sub));

	if (nsubs == SUBSCRIPTIONS && config.time)
		sim_enough(); /* a thread is kept away for ages */
	check(nsubs < SUBSCRIPTIONS);
	copy_text(sub->subject, sizeof(sub->subject), subject);
	subs[nsubs++] = sub;
	sim_name((void *)(uintptr_t)&sub->told, "sub[%u].told", nsubs - 1);
	return sub;
}

natsStatus natsConnection_Subscribe(natsSubscription **out, natsConnection *nc,
				    const char *subject, natsMsgHandler handler, void *arg)
{
	natsSubscription *sub = sub_make(subject);

	(void)nc;
	sub->handler = handler;
	sub->arg = arg;
	*out = sub;
	check(!host_spawn(&sub->thread, NULL, dispatch, NULL, sub));
	return NATS_OK;
}

offstage natsStatus natsSubscription_SetOnCompleteCB(natsSubscription *sub,
						     natsOnCompleteCB complete, void *arg)
{
	sub->complete_arg = arg;
	sub->complete = complete;
	return NATS_OK;
}

/* The server forgets what was asked for. */
static offstage void close_it(natsSubscription *sub, bool drops)
{
	sub->closed = true;
	sub->drops |= drops;
	sub->wanted = 0;
}

static void close_sub(natsSubscription *sub, bool drops)
{
	before_put(&sub->told);
	before_put(&server);
	close_it(sub, drops);
	after_put(&sub->told);
}

natsStatus natsSubscription_Drain(natsSubscription *sub)
{
	close_sub(sub, false);
	return NATS_OK;
}

natsStatus natsSubscription_WaitForDrainCompletion(natsSubscription *sub, int64_t ms)
{
	(void)ms;
	while (sub && !load_acquire(&sub->over))
		host_wait(&sub->over, 0, HOST_FOREVER);
	return NATS_OK;
}

natsStatus natsSubscription_Unsubscribe(natsSubscription *sub)
{
	close_sub(sub, true);
	return NATS_OK;
}

/* Its memory stays until the end of the scenario. */
void natsSubscription_Destroy(natsSubscription *sub)
{
	if (sub && !is_closed(sub))
		close_sub(sub, true);
}

offstage natsStatus natsInbox_Create(natsInbox **inbox)
{
	*inbox = host_alloc(16);
	snprintf(*inbox, 16, "inbox%u", inboxes++);
	return NATS_OK;
}

void natsInbox_Destroy(natsInbox *inbox)
{
	host_free(inbox, 16);
}

/* ---- the server ----------------------------------------------------------------------- */

static _Atomic uint32_t settled; /* X: messages */

/* offstage */
static ward_ns clock_at;
static struct {
	enum { THERE, OUT, ACKED, BURIED } at;
	uint32_t delivery;
	ward_ns leased_at;
	/* the last of its key */
	uint64_t sequence;
	char attempt[96];
	bool is_claim;
	uint32_t results, letters;
} message[SERVER_MESSAGES];
static uint64_t sequences;

/* What the server says to one request. */
struct says {
	uint32_t n;
	struct {
		natsSubscription *to;
		natsMsg *msg;
	} say[8];
	uint32_t settled;
};

static offstage natsSubscription *listener(const char *subject)
{
	for (uint32_t i = 0; i < nsubs; i++) {
		size_t n = strlen(subs[i]->subject);

		if (n > 4 && !strcmp(subs[i]->subject + n - 4, ".*.*"))
			n -= 3;
		else if (subject[n])
			continue;
		if (!subs[i]->closed && !strncmp(subs[i]->subject, subject, n))
			return subs[i];
	}
	return NULL;
}

static offstage bool is_lost(void)
{
	return config.losses && !sim_choose(3) && config.losses--;
}

static offstage void say_to(struct says *says, const char *subject, const char *reply,
			    const char *text)
{
	natsSubscription *to = listener(subject);

	if (!to)
		return;
	check(says->n < 8);
	to->coming++;
	says->say[says->n].to = to;
	natsMsg_Create(&says->say[says->n++].msg, subject, reply, text, (int)strlen(text));
}

static offstage void answer(struct says *says, const char *reply, const char *text)
{
	if (*reply && !is_lost())
		say_to(says, reply, NULL, text);
}

static offstage void answer_number(struct says *says, const char *reply, const char *name,
				   uint64_t n)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"%s\":%llu}", name, (unsigned long long)n);
	answer(says, reply, text);
}

/* As a request ends: so many of its messages do not come. */
static offstage void tell_over(struct says *says, natsSubscription *to)
{
	char pending[16];
	natsMsg *msg;

	snprintf(pending, sizeof(pending), "%u", to->wanted);
	to->wanted = 0;
	if (is_lost())
		return;
	say_to(says, to->subject, NULL, "");
	msg = says->say[says->n - 1].msg;
	natsMsgHeader_Set(msg, "Status", "408");
	natsMsgHeader_Set(msg, "Nats-Pending-Messages", pending);
}

static offstage void deliver(struct says *says, natsSubscription *to, uint32_t i)
{
	char reply[64], text[16];

	message[i].at = OUT;
	message[i].delivery++;
	message[i].leased_at = clock_at;
	to->wanted--;
	snprintf(reply, sizeof(reply), "$JS.ACK.s.c.%u.%u.1.1.0", message[i].delivery,
		 i + 1);
	snprintf(text, sizeof(text), "m%u", i);
	say_to(says, to->subject, reply, text);
}

/* All that wait, to those who have asked. */
static offstage void deliver_all(struct says *says)
{
	for (uint32_t i = 0; i < config.messages; i++)
		for (uint32_t s = 0; s < nsubs && message[i].at == THERE; s++)
			if (subs[s]->wanted)
				deliver(says, subs[s], i);
}

static offstage uint32_t on_their_way(void)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < nsubs; s++)
		n += subs[s]->wanted;
	for (uint32_t i = 0; i < config.messages; i++)
		n += message[i].at == OUT;
	return n;
}

static offstage void next(struct says *says, const char *reply, const char *text)
{
	natsSubscription *sub = listener(reply);

	if (sub) {
		check(!sub->wanted); /* one request at a time */
		sub->wanted = (uint32_t)strtoul(strchr(text, ':') + 1, NULL, 10);
		sub->wanted_at = clock_at;
	}
	/* A request that took too long was made anew, beside what it had brought. */
	check(config.time || nsubs > 1 + ASKERS || on_their_way() <= config.most);
	deliver_all(says);
}

static offstage void settle_one(struct says *says, uint32_t i, bool buried)
{
	check(buried ? message[i].letters : message[i].results);
	message[i].at = buried ? BURIED : ACKED;
	says->settled++;
}

/* One of a delivery that is another's by now changes nothing. */
static offstage void acknowledged(struct says *says, const char *subject,
				  const char *reply, const char *text)
{
	uint32_t delivery, i;

	check(sscanf(subject, "$JS.ACK.s.c.%u.%u.", &delivery, &i) == 2);
	i--;
	if (message[i].at == OUT && message[i].delivery == delivery) {
		if (!strcmp(text, "+WPI"))
			message[i].leased_at = clock_at;
		else if (!strncmp(text, "-NAK", 4))
			message[i].at = THERE;
		else
			settle_one(says, i, !strcmp(text, "+TERM"));
	}
	answer(says, reply, "");
	deliver_all(says);
}

static offstage void store(struct says *says, const natsMsg *msg)
{
	const char *expected = "0", *attempt = "", *claim;
	uint32_t i = (uint32_t)strtoul(msg->subject + 2, NULL, 10) - 1;
	bool is_claim;

	natsMsgHeader_Get((natsMsg *)msg, "Nats-Expected-Last-Subject-Sequence", &expected);
	natsMsgHeader_Get((natsMsg *)msg, "Ward-Attempt", &attempt);
	is_claim = natsMsgHeader_Get((natsMsg *)msg, "KV-Operation", &claim) == NATS_OK;
	if (strtoull(expected, NULL, 10) != message[i].sequence) {
		answer_number(says, msg->reply, "err_code", STORED_WRONG_LAST);
		return;
	}
	check(is_claim || !message[i].results++);
	check(!is_claim || !message[i].results);
	message[i].sequence = ++sequences;
	message[i].is_claim = is_claim;
	copy_text(message[i].attempt, sizeof(message[i].attempt), attempt);
	answer_number(says, msg->reply, "seq", sequences);
}

static offstage void encode(const char *from, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0, n = 0;

	for (; *from; from++) {
		bits = bits << 8 | (uint8_t)*from;
		for (n += 8; n >= 6; n -= 6)
			*to++ = digits[bits >> (n - 6) & 63];
	}
	if (n)
		*to++ = digits[bits << (6 - n) & 63];
	*to = 0;
}

static offstage void read_last(struct says *says, const char *reply, const char *text)
{
	uint32_t i = (uint32_t)strtoul(strstr(text, "R.") + 2, NULL, 10) - 1;
	char headers[128], coded[TEXT_MAX], said[TEXT_MAX + 32];

	if (!message[i].sequence) {
		answer_number(says, reply, "err_code", STORED_NOTHING);
		return;
	}
	snprintf(headers, sizeof(headers), "\r\nWard-Attempt: %s\r\n%s",
		 message[i].attempt, message[i].is_claim ? "KV-Operation: DEL\r\n" : "");
	encode(headers, coded);
	snprintf(said, sizeof(said), "{\"seq\":%llu,\"hdrs\":\"%s\"}",
		 (unsigned long long)message[i].sequence, coded);
	answer(says, reply, said);
}

static offstage void bury(struct says *says, const natsMsg *msg)
{
	const char *sequence = "";

	natsMsgHeader_Get((natsMsg *)msg, "Ward-Sequence", &sequence);
	message[strtoul(sequence, NULL, 10) - 1].letters++;
	answer_number(says, msg->reply, "seq", ++sequences);
}

static offstage void serve(struct says *says, const natsMsg *msg)
{
	const char *subject = msg->subject;

	if (strstr(subject, "MSG.NEXT"))
		next(says, msg->reply, msg->data);
	else if (!strncmp(subject, "$JS.ACK", 7))
		acknowledged(says, subject, msg->reply, msg->data);
	else if (is_lost())
		return;
	else if (strstr(subject, "MSG.GET"))
		read_last(says, msg->reply, msg->data);
	else if (!strncmp(subject, "R.", 2))
		store(says, msg);
	else
		bury(says, msg);
}

static offstage void put(natsSubscription *to, natsMsg *msg)
{
	check(to->put - to->taken < QUEUE_MAX);
	to->queue[to->put++ % QUEUE_MAX] = msg;
	to->coming--;
}

static void send_out(const struct says *says)
{
	after_take(&server);
	for (uint32_t i = 0; i < says->n; i++) {
		natsSubscription *to = says->say[i].to;

		before_put(&to->told);
		put(to, says->say[i].msg);
		after_put(&to->told);
	}
	if (says->settled) {
		add_acq_rel(&settled, says->settled);
		host_wake(&settled, INT32_MAX);
	}
}

natsStatus natsConnection_PublishMsg(natsConnection *nc, natsMsg *msg)
{
	struct says says = { 0 };

	(void)nc;
	before_put(&server);
	serve(&says, msg);
	send_out(&says);
	return NATS_OK;
}

natsStatus natsConnection_PublishRequest(natsConnection *nc, const char *subject,
					 const char *reply, const void *data, int size)
{
	natsMsg *msg;

	natsMsg_Create(&msg, subject, reply, data, size);
	natsConnection_PublishMsg(nc, msg);
	natsMsg_Destroy(msg);
	return NATS_OK;
}

natsStatus natsConnection_Publish(natsConnection *nc, const char *subject,
				  const void *data, int size)
{
	return natsConnection_PublishRequest(nc, subject, NULL, data, size);
}

natsStatus natsConnection_RequestString(natsMsg **out, natsConnection *nc,
					const char *subject, const char *text, int64_t ms)
{
	(void)nc;
	(void)subject;
	(void)text;
	(void)ms;
	*out = NULL;
	return NATS_TIMEOUT;
}

natsStatus natsConnection_FlushTimeout(natsConnection *nc, int64_t ms)
{
	(void)nc;
	(void)ms;
	return NATS_OK;
}

natsConnStatus natsConnection_Status(natsConnection *nc)
{
	(void)nc;
	return NATS_CONN_STATUS_CONNECTED;
}

/* ---- for the scenarios ---------------------------------------------------------------- */

offstage void server_begin(const struct server_config *c)
{
	config = *c;
	clock_at = sequences = nsubs = inboxes = 0;
	memset(message, 0, sizeof(message));
	atomic_init(&settled, 0);
	atomic_init(&server, 0);
}

/* Requests that have ended, and leases. */
static offstage void look_at_clock(struct says *says, ward_ns now)
{
	clock_at = now;
	for (uint32_t s = 0; s < nsubs; s++)
		if (subs[s]->wanted && now - subs[s]->wanted_at > SERVER_EXPIRES)
			tell_over(says, subs[s]);
	for (uint32_t i = 0; i < config.messages && config.ack_wait; i++)
		if (message[i].at == OUT && now - message[i].leased_at > config.ack_wait)
			message[i].at = THERE;
	deliver_all(says);
}

void server_time_passes(ward_ns now)
{
	struct says says = { 0 };

	before_put(&server);
	look_at_clock(&says, now);
	send_out(&says);
}

bool server_wait_settled(uint64_t until)
{
	uint32_t seen;

	while ((seen = load_acquire(&settled)) < config.messages)
		if (host_wait(&settled, seen, until))
			return false;
	return true;
}

offstage bool server_has_all_back(void)
{
	for (uint32_t i = 0; i < config.messages; i++)
		if (message[i].at == OUT)
			return false;
	return true;
}

void server_end(void)
{
	for (uint32_t i = 0; i < nsubs; i++) {
		host_join(subs[i]->thread, HOST_FOREVER);
		host_free(subs[i], sizeof(*subs[i]));
	}
}
