/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nats.h - in place of the client library's: what libward-nats calls; and in place of the
 * pool, the clock and the C library's memory and threads, which the scenarios have in hand.
 */
#ifndef SIM_NATS_H
#define SIM_NATS_H

#include <stdint.h>

#define ward_now sim_nats_now
#define ward_pool_stats sim_nats_pool_stats
#define ward_submit sim_nats_submit
#define ward_task_cancel sim_nats_task_cancel
#define calloc sim_nats_calloc
#define free sim_nats_free
#define mmap sim_nats_mmap
#define munmap sim_nats_munmap
#define pthread_create sim_nats_thread
#define pthread_join sim_nats_join
#define strdup sim_nats_strdup

typedef enum { NATS_OK, NATS_NOT_FOUND, NATS_TIMEOUT } natsStatus;
typedef enum {
	NATS_CONN_STATUS_DISCONNECTED,
	NATS_CONN_STATUS_CONNECTED
} natsConnStatus;

typedef char natsInbox;
typedef struct natsMsg natsMsg;
typedef struct natsOptions natsOptions;
typedef struct natsConnection natsConnection;
typedef struct natsSubscription natsSubscription;
typedef void (*natsMsgHandler)(natsConnection *nc, natsSubscription *sub, natsMsg *msg,
			       void *arg);
typedef void (*natsOnCompleteCB)(void *arg);

natsStatus natsInbox_Create(natsInbox **inbox);
void natsInbox_Destroy(natsInbox *inbox);

natsStatus natsMsg_Create(natsMsg **msg, const char *subject, const char *reply,
			  const char *data, int size);
void natsMsg_Destroy(natsMsg *msg);
const char *natsMsg_GetSubject(const natsMsg *msg);
const char *natsMsg_GetReply(const natsMsg *msg);
const char *natsMsg_GetData(const natsMsg *msg);
int natsMsg_GetDataLength(const natsMsg *msg);
_Bool natsMsg_IsNoResponders(natsMsg *msg);
natsStatus natsMsgHeader_Set(natsMsg *msg, const char *name, const char *value);
natsStatus natsMsgHeader_Get(natsMsg *msg, const char *name, const char **value);
natsStatus natsMsgHeader_Keys(natsMsg *msg, const char ***names, int *n);

natsConnStatus natsConnection_Status(natsConnection *nc);
natsStatus natsConnection_FlushTimeout(natsConnection *nc, int64_t ms);
natsStatus natsConnection_Publish(natsConnection *nc, const char *subject,
				  const void *data, int size);
natsStatus natsConnection_PublishRequest(natsConnection *nc, const char *subject,
					 const char *reply, const void *data, int size);
natsStatus natsConnection_PublishMsg(natsConnection *nc, natsMsg *msg);
natsStatus natsConnection_RequestString(natsMsg **answer, natsConnection *nc,
					const char *subject, const char *text,
					int64_t ms);
natsStatus natsConnection_Subscribe(natsSubscription **sub, natsConnection *nc,
				    const char *subject, natsMsgHandler handler,
				    void *arg);

natsStatus natsSubscription_SetOnCompleteCB(natsSubscription *sub,
					    natsOnCompleteCB complete, void *arg);
natsStatus natsSubscription_Drain(natsSubscription *sub);
natsStatus natsSubscription_WaitForDrainCompletion(natsSubscription *sub, int64_t ms);
natsStatus natsSubscription_Unsubscribe(natsSubscription *sub);
void natsSubscription_Destroy(natsSubscription *sub);

#endif
