/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * incident.c - the records and their two stacks.
 */
#include "tell/incident.h"
#include "tell/text.h"
#include <errno.h>
#include <string.h>

#define LAST_WORDS WARD_S(5) /* for the scribe, whose hook may hang */

int tell_init(struct tell *tell, const char *pool,
	      void (*hook)(void *arg, const struct ward_report *report),
	      void *arg)
{
	_Atomic uint32_t *next = host_alloc(TELL_ROOM * sizeof(*next));

	stack_init(&tell->free, next);
	stack_init(&tell->ready, next); /* a record is on one of them at most */
	tell->record = host_alloc(TELL_ROOM * sizeof(*tell->record));
	if (!next || !tell->record)
		return -ENOMEM;
	tell->pool = pool;
	tell->hook = hook;
	tell->arg = arg;
	for (uint32_t i = 0; i < TELL_RECORDS; i++)
		stack_push(&tell->free, i);
	return 0;
}

void tell_fini(struct tell *tell)
{
	host_free(tell->shown.part, sizeof(*tell->shown.part));
	host_free(tell->free.next, TELL_ROOM * sizeof(*tell->free.next));
	host_free(tell->record, TELL_ROOM * sizeof(*tell->record));
}

uint64_t incident_id(void)
{
	static _Atomic uint64_t last;

	return add_relaxed(&last, 1) + 1;
}

void report_init(struct ward_report *report, enum ward_kind kind, uint64_t id,
		 const char *pool)
{
	*report = (struct ward_report){ .size = sizeof(*report),
					.kind = kind,
					.id = id,
					.worker = UINT32_MAX,
					.at = host_now(),
					.pool = pool,
					.task = "",
					.what = "",
					.message = "",
					.user = "",
					.host = host_name(),
					.boot = host_boot(),
					.pid = host_pid(),
					.syscall = -1,
					.chain = "",
					.trace = "" };
	host_utc(&report->utc_s, &report->utc_ns);
}

static bool is_failure(enum ward_kind kind)
{
	const uint32_t failures = 1u << WARD_R_LIVELOCK | 1u << WARD_R_BLOCKED |
				  1u << WARD_R_NO_PROGRESS | 1u << WARD_R_OVERDUE |
				  1u << WARD_R_DEATH | 1u << WARD_R_FAULT |
				  1u << WARD_R_ERROR | 1u << WARD_R_GAVE_UP;

	return failures >> kind & 1;
}

const char *report_user(const struct ward_report *report, char *room,
			size_t len)
{
	struct text out = { .buf = room, .len = len };

	if (!is_failure(report->kind))
		return "";
	if (report->known && *report->message)
		return report->message;
	text_put(&out, "An unexpected error; please report it under number ");
	text_number(&out, report->id, 1);
	text_char(&out, '.');
	text_end(&out);
	return room;
}

static struct incident *fresh(struct tell *tell, uint32_t i,
			      enum ward_kind kind, uint64_t id)
{
	struct incident *incident = &tell->record[i];

	memset(incident, 0, sizeof(*incident));
	report_init(&incident->report, kind, id, tell->pool);
	return incident;
}

struct incident *incident_open(struct tell *tell, enum ward_kind kind,
			       uint64_t id)
{
	uint32_t i = stack_pop(&tell->free);

	add_relaxed(&tell->raised, 1);
	if (i == STACK_NONE) {
		add_relaxed(&tell->suppressed, 1);
		add_relaxed(&tell->unsaid, 1);
		return NULL;
	}
	return fresh(tell, i, kind, id);
}

struct incident *incident_last(struct tell *tell, enum ward_kind kind,
			       uint64_t id)
{
	/* Elected only: nobody had the record before, and it never comes back. */
	if (swap_acq_rel(&tell->last_taken, 1))
		return NULL;
	add_relaxed(&tell->raised, 1);
	return fresh(tell, TELL_RECORDS, kind, id);
}

void incident_raise(struct tell *tell, struct incident *incident)
{
	if (!incident)
		return;
	stack_push(&tell->ready, (uint32_t)(incident - tell->record));
	add_acq_rel(&tell->word, 1);
	host_wake(&tell->word, 1);
}

bool incident_tell(struct tell *tell, enum ward_kind kind, const char *what)
{
	struct incident *in = incident_open(tell, kind, incident_id());

	if (!in)
		return false;
	in->report.what = what;
	incident_raise(tell, in);
	return true;
}

void incident_abort(struct tell *tell, struct incident *incident)
{
	incident->abort = true;
	store_relaxed(&tell->abort_by, host_now() + LAST_WORDS);
	incident_raise(tell, incident);
}

void incident_leave(struct tell *tell, struct incident *incident)
{
	stack_push(&tell->ready, (uint32_t)(incident - tell->record));
	add_acq_rel(&tell->word, 1);
	store_release(&tell->left, 1);
}

void tell_ring(struct tell *tell)
{
	if (load_relaxed(&tell->left) && swap_acq_rel(&tell->left, 0))
		host_wake(&tell->word, 1);
}

void incident_drop(struct tell *tell, struct incident *incident)
{
	if (!incident)
		return;
	stack_push(&tell->free, (uint32_t)(incident - tell->record));
	add_relaxed(&tell->raised, -(uint64_t)1);
}
