/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recent.c - see recent.h.
 *
 * A copy owns all that its report points to, but the names of the machine and its boot,
 * which last as long as the process.  It stands in static memory: an id that a user has
 * seen can be looked up when the pool is long gone.
 *
 * Invariant: a slot whose id is not 0 is whole.  (In the child of a fork, too, where
 * the thread that was writing it is not.)
 */
#include "tell/recent.h"
#include "base/host_lock.h"
#include "tell/text.h"
#include <errno.h>
#include <string.h>

struct copy {
	struct ward_report report;
	char pool[16], task[64], what[128], message[256], user[256];
	char chain[160], trace[32];
	void *frame[WARD_FRAMES];
};

static struct host_lock lock;
static uint32_t next; /* under the lock, as all below: the oldest slot */
static struct copy slot[RECENT];

static void keep(const char **string, char *room, size_t len)
{
	struct text text = { .buf = room, .len = len };

	text_put(&text, *string);
	text_end(&text);
	*string = room;
}

static void copy(struct copy *to, const struct ward_report *from)
{
	struct ward_report *report = &to->report, whole = *from;

	whole.id = 0; /* until it is */
	*report = whole;
	keep(&report->pool, to->pool, sizeof(to->pool));
	keep(&report->task, to->task, sizeof(to->task));
	keep(&report->what, to->what, sizeof(to->what));
	keep(&report->message, to->message, sizeof(to->message));
	keep(&report->user, to->user, sizeof(to->user));
	keep(&report->chain, to->chain, sizeof(to->chain));
	keep(&report->trace, to->trace, sizeof(to->trace));
	if (report->nframes > WARD_FRAMES)
		report->nframes = WARD_FRAMES;
	if (report->nframes)
		memcpy(to->frame, from->frames,
		       report->nframes * sizeof(*to->frame));
	report->frames = to->frame;
	atomic_signal_fence(memory_order_seq_cst); /* as a fork may find it */
	report->id = from->id;
}

void recent_put(const struct ward_report *report)
{
	struct copy *to;

	host_lock_take(&lock);
	to = &slot[next];
	next = (next + 1) % RECENT;
	to->report.id = 0;
	atomic_signal_fence(memory_order_seq_cst);
	copy(to, report);
	host_lock_give(&lock);
}

static bool find(uint64_t id, struct copy *out)
{
	bool found = false;

	host_lock_take(&lock);
	for (uint32_t i = 0; i < RECENT && !found; i++) {
		found = slot[i].report.id == id;
		if (found)
			copy(out, &slot[i].report);
	}
	host_lock_give(&lock);
	return found;
}

int ward_report_find(uint64_t id, char *buf, size_t len, bool json)
{
	struct copy report;

	if (!buf && len > 0)
		return -EINVAL;
	if (!id || !find(id, &report))
		return -ENOENT;
	return ward_report_format(&report.report, buf, len, json);
}
