/* SPDX-License-Identifier: BSD-2-Clause */
/* fleet_nats.c - what the processes of a fleet say, heard by the NATS client library. */
#include "fleet.h"
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_NATS
#include <nats/nats.h>

struct fleet_link {
	natsConnection *nc;
	natsSubscription *sub;
};

enum { URLS = 32 };

/* Several have commas between them. */
static natsStatus set_servers(natsOptions *options, const char *urls)
{
	char *copy = strdup(urls), *save = NULL;
	const char *url[URLS];
	natsStatus s;
	int n = 0;

	for (char *one = copy ? strtok_r(copy, ",", &save) : NULL; one && n < URLS;
	     one = strtok_r(NULL, ",", &save))
		url[n++] = one;
	s = n ? natsOptions_SetServers(options, url, n) : NATS_INVALID_ARG;
	free(copy);
	return s;
}

/* A connection that is lost is sought until there is one again. */
static natsStatus connect_to(natsConnection **nc, const char *urls)
{
	natsOptions *options = NULL;
	natsStatus s = natsOptions_Create(&options);

	if (s == NATS_OK)
		s = set_servers(options, urls);
	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(options, -1);
	if (s == NATS_OK)
		s = natsConnection_Connect(nc, options);
	natsOptions_Destroy(options);
	return s;
}

static natsStatus listen_to(struct fleet_link *link, const char *subject, const char *url)
{
	natsStatus s = connect_to(&link->nc, url);
	char all[160];

	snprintf(all, sizeof(all), "%s.>", subject);
	if (s == NATS_OK)
		s = natsConnection_SubscribeSync(&link->sub, link->nc, all);
	return s == NATS_OK ? natsConnection_FlushTimeout(link->nc, 5000) : s;
}

const char *fleet_open(struct fleet *fleet, const char *subject, const char *url)
{
	natsStatus s;

	*fleet = (struct fleet){ .link = calloc(1, sizeof(*fleet->link)) };
	if (strlen(subject) >= sizeof(fleet->subject))
		return "the subject is too long";
	snprintf(fleet->subject, sizeof(fleet->subject), "%s", subject);
	s = fleet->link ? listen_to(fleet->link, subject, url) : NATS_NO_MEMORY;
	return s == NATS_OK ? NULL : natsStatus_GetText(s);
}

static ward_ns left(ward_ns until)
{
	ward_ns now = ward_now();

	return until > now ? until - now : 0;
}

static bool next(struct fleet_link *link, natsMsg **msg, ward_ns until)
{
	return natsSubscription_NextMsg(msg, link->sub,
					(int64_t)(left(until) / 1000000) + 1) == NATS_OK;
}

void fleet_hear(struct fleet *fleet, ward_ns until)
{
	natsMsg *msg = NULL;

	while (next(fleet->link, &msg, until)) {
		fleet_take(fleet, natsMsg_GetData(msg),
			   (size_t)natsMsg_GetDataLength(msg), ward_now());
		natsMsg_Destroy(msg);
	}
	fleet->deaf = natsConnection_Status(fleet->link->nc) != NATS_CONN_STATUS_CONNECTED;
}

static void close_link(struct fleet_link *link)
{
	natsSubscription_Destroy(link->sub);
	natsConnection_Destroy(link->nc);
	free(link);
	nats_Close();
}

#else

const char *fleet_open(struct fleet *fleet, const char *subject, const char *url)
{
	(void)subject, (void)url;
	*fleet = (struct fleet){ .n = 0 };
	return "wardtop was built without the NATS client library (libnats-dev)";
}

void fleet_hear(struct fleet *fleet, ward_ns until)
{
	(void)fleet, (void)until;
}

static void close_link(struct fleet_link *link)
{
	(void)link;
}

#endif

void fleet_close(struct fleet *fleet)
{
	if (fleet->link)
		close_link(fleet->link);
	for (size_t i = 0; i < fleet->n; i++)
		free(fleet->member[i].text);
	free(fleet->member);
}
