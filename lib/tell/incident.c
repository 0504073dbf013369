/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * incident.c - the records and their two stacks.
 */
#include "tell/incident.h"
#include <errno.h>
#include <string.h>

int tell_init(struct tell *tell, const char *pool,
	      void (*hook)(void *arg, const struct ward_report *report),
	      void *arg)
{
	_Atomic uint32_t *next = host_alloc(TELL_RECORDS * sizeof(*next));

	tell->record = host_alloc(TELL_RECORDS * sizeof(*tell->record));
	if (!next || !tell->record) {
		host_free(next, TELL_RECORDS * sizeof(*next));
		host_free(tell->record, TELL_RECORDS * sizeof(*tell->record));
		return -ENOMEM;
	}
	tell->pool = pool;
	tell->hook = hook;
	tell->arg = arg;
	stack_init(&tell->free, next);
	stack_init(&tell->ready, next); /* a record is on one of them at most */
	for (uint32_t i = 0; i < TELL_RECORDS; i++)
		stack_push(&tell->free, i);
	return 0;
}

void tell_fini(struct tell *tell)
{
	host_free(tell->free.next, TELL_RECORDS * sizeof(*tell->free.next));
	host_free(tell->record, TELL_RECORDS * sizeof(*tell->record));
}

uint64_t incident_id(void)
{
	static _Atomic uint64_t last;

	return add_relaxed(&last, 1) + 1;
}

struct incident *incident_open(struct tell *tell, enum ward_kind kind,
			       uint64_t id)
{
	uint32_t i = stack_pop(&tell->free);
	struct incident *incident;

	add_relaxed(&tell->raised, 1);
	if (i == STACK_NONE) {
		add_relaxed(&tell->suppressed, 1);
		add_relaxed(&tell->unsaid, 1);
		return NULL;
	}
	incident = &tell->record[i];
	memset(incident, 0, sizeof(*incident));
	incident->report.size = sizeof(incident->report);
	incident->report.kind = kind;
	incident->report.id = id;
	incident->report.at = host_now();
	host_utc(&incident->report.utc_s, &incident->report.utc_ns);
	incident->report.worker = UINT32_MAX;
	incident->report.pool = tell->pool;
	incident->report.task = "";
	incident->report.what = "";
	incident->report.chain = "";
	incident->report.message = "";
	incident->report.user = "";
	incident->report.host = "";
	incident->report.boot = "";
	incident->report.syscall = -1;
	return incident;
}

void incident_raise(struct tell *tell, struct incident *incident)
{
	stack_push(&tell->ready, (uint32_t)(incident - tell->record));
	add_acq_rel(&tell->word, 1);
	host_wake(&tell->word, 1);
}
