/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c - the connection, and what the server has to say of stream and consumer.
 */
#include "nats/consumer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_WITHIN_MS 3000
#define WRITE_WITHIN_MS 2000
#define PING_EVERY_MS 2000
#define EXPIRES WARD_S(3) /* a request for messages, at the server */
#define URLS 32

/* ---- what the client library tells ----------------------------------------------- */

static void on_lost(natsConnection *nc, void *arg)
{
	struct ward_nats *nats = arg;
	const char *why = NULL;

	store_release(&nats->lost, 1);
	count(nats, disconnects);
	if (natsConnection_GetLastError(nc, &why) == NATS_OK || !why || !*why)
		why = "closed by the other side";
	say(nats, "the connection is lost: %s", why);
}

static void on_found(natsConnection *nc, void *arg)
{
	struct ward_nats *nats = arg;
	char url[256] = "";

	store_release(&nats->renew, 1);
	store_release(&nats->lost, 0); /* whoever sees that sees 'renew' */
	natsConnection_GetConnectedUrl(nc, url, sizeof(url));
	count(nats, reconnects);
	say(nats, "connected again: %s", url);
	keeper_wake(nats);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus err, void *arg)
{
	struct ward_nats *nats = arg;
	const char *why = NULL;

	(void)sub;
	natsConnection_GetLastError(nc, &why);
	count(nats, errors);
	if (err == NATS_NOT_PERMITTED)
		store_release(&nats->refused, 1);
	say(nats, "%s%s%s", natsStatus_GetText(err), why && *why ? ": " : "",
	    why ? why : "");
}

/* The last that it tells. */
static void on_closed(natsConnection *nc, void *arg)
{
	struct ward_nats *nats = arg;

	(void)nc;
	say(nats, "the connection is closed for good");
	nats_put(nats);
}

/* ---- how to connect -------------------------------------------------------------- */

static natsStatus set_servers(struct ward_nats *nats)
{
	const char *server[URLS], *next;
	char *urls = strdup(nats->config.url);
	natsStatus s;
	int n = 0;

	if (!urls)
		return NATS_NO_MEMORY;
	for (next = strtok(urls, ", "); next && n < URLS; next = strtok(NULL, ", "))
		server[n++] = next;
	s = n ? natsOptions_SetServers(nats->options, server, n) : NATS_INVALID_ARG;
	free(urls);
	return s;
}

static natsStatus set_who(struct ward_nats *nats)
{
	const struct ward_nats_config *c = &nats->config;
	natsOptions *o = nats->options;
	natsStatus s = NATS_OK;

	if (c->user)
		s = natsOptions_SetUserInfo(o, c->user, c->password ? c->password : "");
	if (s == NATS_OK && c->token)
		s = natsOptions_SetToken(o, c->token);
	if (s == NATS_OK && c->credentials)
		s = natsOptions_SetUserCredentialsFromFiles(o, c->credentials, NULL);
	if (s == NATS_OK && c->ca)
		s = natsOptions_LoadCATrustedCertificates(o, c->ca);
	return s == NATS_OK && c->ca ? natsOptions_SetSecure(o, true) : s;
}

/* A connection that is cut is seen by its pings, and is made again without an end. */
static natsStatus set_times(natsOptions *o)
{
	natsStatus s = natsOptions_SetTimeout(o, CONNECT_WITHIN_MS);

	if (s == NATS_OK)
		s = natsOptions_SetWriteDeadline(o, WRITE_WITHIN_MS);
	if (s == NATS_OK)
		s = natsOptions_SetPingInterval(o, PING_EVERY_MS);
	if (s == NATS_OK)
		s = natsOptions_SetMaxPingsOut(o, 2);
	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(o, -1);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(o, 100);
	return s == NATS_OK ? natsOptions_SetReconnectJitter(o, 400, 400) : s;
}

static natsStatus set_hooks(struct ward_nats *nats)
{
	natsOptions *o = nats->options;
	natsStatus s = natsOptions_SetDisconnectedCB(o, on_lost, nats);

	if (s == NATS_OK)
		s = natsOptions_SetReconnectedCB(o, on_found, nats);
	if (s == NATS_OK)
		s = natsOptions_SetClosedCB(o, on_closed, nats);
	if (s == NATS_OK)
		s = natsOptions_SetErrorHandler(o, on_error, nats);
	return s == NATS_OK ? natsOptions_SetName(o, nats->config.consumer) : s;
}

/* ---- errors ---------------------------------------------------------------------- */

static int err_of(struct ward_nats *nats, natsStatus s)
{
	switch (s) {
	case NATS_OK:
		return 0;
	case NATS_INVALID_ARG:
	case NATS_PROTOCOL_ERROR:
		return -EINVAL;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	case NATS_NO_SERVER:
	case NATS_IO_ERROR:
	case NATS_CONNECTION_CLOSED:
		return -EHOSTUNREACH;
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
	case NATS_SSL_ERROR:
	case NATS_SECURE_CONNECTION_REQUIRED:
	case NATS_SECURE_CONNECTION_WANTED:
		return -EACCES;
	case NATS_NO_RESPONDERS:
		return -EOPNOTSUPP;
	case NATS_NOT_FOUND:
		return -ENOENT;
	case NATS_TIMEOUT: /* what is not permitted is not answered */
		return load_acquire(&nats->refused) ? -EACCES : -ETIMEDOUT;
	default:
		return -EAGAIN;
	}
}

static int js_err_of(struct ward_nats *nats, natsStatus s, jsErrCode code)
{
	switch (code) {
	case JSNotEnabledErr:
	case JSNotEnabledForAccountErr:
	case JSClusterNotAvailErr:
		return -EOPNOTSUPP;
	case JSStreamNotFoundErr:
	case JSConsumerNotFoundErr:
		return -ENOENT;
	default:
		return err_of(nats, s);
	}
}

static int tell(struct ward_nats *nats, int err, const char *what)
{
	const char *why = nats_GetLastError(NULL);

	if (err)
		say(nats, "%s: %s%s%s", what, strerror(-err), why && *why ? ": " : "",
		    why ? why : "");
	return err;
}

/* ---- connected ------------------------------------------------------------------- */

static int connect_to(struct ward_nats *nats)
{
	natsStatus s = natsOptions_Create(&nats->options);
	int err;

	if (s == NATS_OK)
		s = set_servers(nats);
	if (s == NATS_OK)
		s = set_who(nats);
	if (s == NATS_OK)
		s = set_times(nats->options);
	if (s == NATS_OK)
		s = set_hooks(nats);
	if (s != NATS_OK)
		return tell(nats, err_of(nats, s), "options of the connection");
	err = nats->config.options ?
		      nats->config.options(nats->config.arg, nats->options) :
		      0;
	if (err)
		return err;
	s = natsConnection_Connect(&nats->nc, nats->options);
	add_acq_rel(&nats->refs, s == NATS_OK); /* until it is closed */
	if (s == NATS_OK)
		nats->payload_max = (uint64_t)natsConnection_GetMaxPayload(nats->nc);
	return tell(nats, err_of(nats, s), nats->config.url);
}

/* ---- stream and consumer --------------------------------------------------------- */

static int check_consumer(struct ward_nats *nats, const jsConsumerConfig *c)
{
	if (c->DeliverSubject && *c->DeliverSubject)
		return tell(nats, -EPROTOTYPE, "the consumer is one that pushes");
	if (c->AckPolicy != js_AckExplicit)
		return tell(nats, -EPROTO, "the consumer has not ack policy explicit");
	if (c->BackOffLen > 0)
		return tell(nats, -EPROTO, "the consumer has a backoff of its own");
	if (c->MaxDeliver > 0)
		return tell(nats, -EPROTO, "the consumer has a max_deliver: what has "
					   "reached it would be lost");
	nats->ack_wait = c->AckWait > 0 ? (ward_ns)c->AckWait : WARD_S(30);
	nats->batch_max = c->MaxRequestBatch > 0 ? (uint32_t)c->MaxRequestBatch :
						   UINT32_MAX;
	nats->expires = EXPIRES;
	if (c->MaxRequestExpires > 0 && (ward_ns)c->MaxRequestExpires < nats->expires)
		nats->expires = (ward_ns)c->MaxRequestExpires;
	return 0;
}

static int find_consumer(struct ward_nats *nats, jsCtx *js)
{
	jsConsumerInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus s = js_GetConsumerInfo(&info, js, nats->config.stream,
					  nats->config.consumer, NULL, &code);
	int err = tell(nats, js_err_of(nats, s, code),
		       code == JSStreamNotFoundErr   ? "stream not found" :
		       code == JSConsumerNotFoundErr ? "consumer not found" :
						       "stream and consumer");

	if (!err)
		err = check_consumer(nats, info->Config);
	jsConsumerInfo_Destroy(info);
	return err;
}

/* The stream that stores what is published on a subject. */
static int find_stream(struct ward_nats *nats, jsCtx *js, const char *subject, char *name)
{
	jsStreamNamesList *list = NULL;
	jsErrCode code = 0;
	jsOptions o;
	natsStatus s = jsOptions_Init(&o);
	int err;

	o.Stream.Info.SubjectsFilter = subject;
	s = js_StreamNames(&list, js, &o, &code);
	err = s == NATS_NOT_FOUND ? -EADDRNOTAVAIL : js_err_of(nats, s, code);
	if (!err && !list->Count)
		err = -EADDRNOTAVAIL;
	if (!err)
		strncat(name, list->List[0], NAMES_MAX);
	jsStreamNamesList_Destroy(list);
	return tell(nats, err, subject);
}

static int find_streams(struct ward_nats *nats, jsCtx *js)
{
	const struct ward_nats_config *c = &nats->config;
	char key[SUBJECT_ROOM] = "", dead[NAMES_MAX + 1] = "";
	int err = 0;

	if (c->results) {
		strcat(strcat(key, c->results), "0");
		err = find_stream(nats, js, key, nats->results_stream);
	}
	if (!err && c->dead)
		err = find_stream(nats, js, c->dead, dead);
	return err;
}

static int look_up(struct ward_nats *nats)
{
	jsCtx *js = NULL;
	jsOptions o;
	natsStatus s = jsOptions_Init(&o);
	int err;

	o.Wait = CONNECT_WITHIN_MS;
	s = natsConnection_JetStream(&js, nats->nc, &o);
	err = tell(nats, err_of(nats, s), "JetStream");
	if (!err)
		err = find_consumer(nats, js);
	if (!err)
		err = find_streams(nats, js);
	jsCtx_Destroy(js);
	return err;
}

int connect_all(struct ward_nats *nats)
{
	int err = connect_to(nats);

	return err ? err : look_up(nats);
}

void disconnect(struct ward_nats *nats)
{
	natsConnection_Close(nats->nc); /* which is told */
	natsConnection_Destroy(nats->nc);
	natsOptions_Destroy(nats->options);
}
