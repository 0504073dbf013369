/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scribe.c - the thread that completes reports and tells them.
 *
 * Slow work is done here: asking a stuck thread for its backtrace, going along a row of
 * holders, formatting, and the user's hook.
 */
#include "tell/format.h"
#include "tell/dedup.h"
#include "tell/incident.h"
#include "tell/recent.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	LINES_A_SECOND = 10,
	CHAIN_MAX = 8,
	TRACE_MS = 100, /* a thread that blocks the signal does not answer */
	HEAL_NS = 2000000 /* how long the telling waits for a seat or a sleeper */
};

/*
 * The futex that the thread sleeps on.  A thread that was just asked for its backtrace
 * is on its way back to sleep.
 */
static bool sleeps_on(struct tell *tell, int32_t tid, uint64_t *address)
{
	struct host_stat_files files = host_stat_of(tid);
	uint64_t until = host_now() + HEAL_NS;
	int32_t nr;

	while (!host_syscall(&files, &nr, address)) {
		if (host_is_futex(nr))
			return true;
		if (nr >= 0 || load_relaxed(&tell->stop) || host_now() >= until)
			return false;
		host_wait(&tell->stop, 0, host_now() + HEAL_NS / 20);
	}
	return false;
}

/* "12 > 17 > 12": from the waiter along the futexes' holders. */
static void put_chain(struct tell *tell, const struct ward_report *report,
		   char *buf, size_t len)
{
	int32_t seen[CHAIN_MAX], tid = report->holder;
	size_t at = (size_t)snprintf(buf, len, "%d", report->tid);
	unsigned n = 0;

	seen[n++] = report->tid;
	while (tid && n < CHAIN_MAX && at < len) {
		uint64_t address;

		at += (size_t)snprintf(buf + at, len - at, " > %d", tid);
		for (unsigned i = 0; i < n; i++)
			if (seen[i] == tid)
				return;
		seen[n++] = tid;
		if (!sleeps_on(tell, tid, &address))
			return;
		tid = host_futex_holder(address);
	}
}

static bool may_print(struct tell *tell)
{
	uint64_t second = host_now() / 1000000000u;

	if (second != tell->second) {
		tell->second = second;
		tell->lines = 0;
	}
	return tell->lines++ < LINES_A_SECOND;
}

/*
 * Names need memory, which a thread that is stuck in malloc() may keep from the scribe:
 * the last line before an abort() goes without.
 */
static void print(const struct ward_report *report, bool names)
{
	char line[4096];
	int len = format_line(report, line, sizeof(line) - 1, names);

	if ((size_t)len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len] = '\n';
	host_write_stderr(line, (size_t)len + 1);
}

/* The seat is taken some microseconds after the incident, if a spare is there. */
static uint64_t await_heal(struct tell *tell, const _Atomic uint64_t *heal)
{
	uint64_t took = load_relaxed(heal), until = host_now() + HEAL_NS;

	while (!took && !load_relaxed(&tell->stop) && host_now() < until) {
		host_wait(&tell->stop, 0, host_now() + HEAL_NS / 20);
		took = load_relaxed(heal);
	}
	return took;
}

static void complete(struct incident *incident)
{
	struct ward_report *report = &incident->report;

	report->user = report_user(report, incident->user,
				   sizeof(incident->user));
	report->hash = dedup_hash(report, incident->trace);
	report->seen = dedup_count(report->hash);
}

static void ask_trace(struct ward_report *report, struct host_trace *trace,
		      uint64_t epoch, void **frame)
{
	int n = host_trace_ask(trace, report->tid, epoch,
			       host_now() + WARD_MS(TRACE_MS));

	if (n < 0) {
		report->trace = n == -ESRCH ? "left before it could be asked" :
					      "no answer";
		return;
	}
	report->nframes = (uint32_t)n;
	memcpy(frame, trace->frame, report->nframes * sizeof(*frame));
	report->frames = frame;
}

static void tell_one(struct tell *tell, struct incident *incident)
{
	struct ward_report *report = &incident->report;
	void *frame[WARD_FRAMES];
	char chain[160] = "";
	int32_t holder = 0;
	bool print_it;

	if (incident->call)
		incident->call(incident->who, incident->epoch);
	if (incident->trace && !load_relaxed(&tell->stop))
		ask_trace(report, incident->trace, incident->trace_epoch,
			  frame);
	if (incident->after)
		incident->after(incident->who, incident->epoch);
	if (report->syscall >= 0 && host_is_futex(report->syscall))
		holder = host_futex_holder(report->syscall_arg);
	/* The holder has ended and left the lock; this thread has its tid. */
	if (holder &&
	    host_is_younger(holder, report->at - report->ledger.silence))
		holder = 0;
	if (holder) /* else the holder at the verdict, if known */
		report->holder = holder;
	if (report->holder) {
		put_chain(tell, report, chain, sizeof(chain));
		report->chain = chain;
	}
	if (incident->heal)
		report->heal = await_heal(tell, incident->heal);
	complete(incident);
	print_it = !tell->hook && (incident->abort ||
				   (!incident->heard && may_print(tell)));
	if (tell->hook || print_it)
		report->suppressed = (uint32_t)atomic_exchange_explicit(
			&tell->unsaid, 0, memory_order_relaxed);
	recent_put(report);
	shown_put(&tell->shown, report);
	if (tell->hook) {
		tell->hook(tell->arg, report);
	} else if (print_it) {
		print(report, !incident->abort);
	} else if (!incident->heard) {
		add_relaxed(&tell->suppressed, 1);
		add_relaxed(&tell->unsaid, 1);
		return;
	}
	add_relaxed(&tell->told, 1);
	if (incident->abort)
		host_abort();
}

/* Oldest first: the stack has the newest on top. */
static void tell_chain(struct tell *tell, uint32_t i)
{
	uint32_t order[TELL_ROOM], n = 0;

	for (; i != STACK_NONE; i = stack_after(&tell->ready, i))
		order[n++] = i;
	while (n--) {
		tell_one(tell, &tell->record[order[n]]);
		stack_push(&tell->free, order[n]);
	}
}

static void scribe(void *arg)
{
	struct tell *tell = arg;
	struct host_step was;

	store_relaxed(&tell->tid, host_tid());
	host_step_up(&was); /* else a real-time thread that spins keeps it out */
	for (;;) {
		uint32_t seen = load_acquire(&tell->word);
		bool stop = load_acquire(&tell->stop);
		uint32_t first = stack_take(&tell->ready);

		if (first != STACK_NONE) {
			tell_chain(tell, first);
		} else if (stop) {
			break;
		} else {
			store_relaxed(&tell->seen, seen);
			host_wait(&tell->word, seen, HOST_FOREVER);
		}
	}
	store_relaxed(&tell->tid, 0); /* the tid may be another's soon */
	tell->ended(tell->whom);
}

int tell_start(struct tell *tell)
{
	/* Room for libdw, where a program's tables are large. */
	struct host_spawn how = { .stack = 1 << 20,
				  .name = tell->name,
				  .open = host_trace_open() };

	snprintf(tell->name, sizeof(tell->name), "%.8s/scribe", tell->pool);
	return host_spawn(&tell->thread, &how, scribe, NULL, tell);
}

int tell_stop(struct tell *tell, uint64_t until)
{
	store_release(&tell->stop, 1);
	add_acq_rel(&tell->word, 1);
	host_wake(&tell->word, 1);
	return host_join(tell->thread, until);
}

bool tell_is_self(const struct tell *tell)
{
	return load_relaxed(&tell->tid) == host_tid();
}
