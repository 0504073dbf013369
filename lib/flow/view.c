/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * view.c - a ward from outside.
 */
#include "flow/tree.h"
#include "lane/wait.h"
#include <errno.h>

#define POLL_EVERY WARD_MS(1)

int ward_view(struct ward *ward, struct ward_view *view)
{
	int err = view && view->size == sizeof(*view) ?
			  handle_enter(ward, HANDLE_WARD) :
			  -EINVAL;

	if (err)
		return err;
	tree_lock(ward->tree);
	if (ward->now)
		incarnation_poll(ward->now);
	*view = (struct ward_view){
		.size = sizeof(*view),
		.starts = ward->starts,
		.failures = ward->failures,
		.status = ward->status,
		.running = ward->now && ward->now->begun,
		.gone = ward->me.state == MEMBER_GONE,
		.beats = ward->beats,
		.units = ward->units,
	};
	tree_unlock(ward->tree);
	return 0;
}

/* 0: the pulse has moved. */
static int poll_pulse(struct ward *ward, uint64_t *beats, uint64_t *units)
{
	struct ward_view view = WARD_VIEW_INIT;
	int err = ward_view(ward, &view);

	if (err)
		return err;
	if (view.beats == *beats && view.units == *units)
		return view.gone ? -EPIPE : -EAGAIN;
	*beats = view.beats;
	*units = view.units;
	return 0;
}

/* Nobody tells of a pulse: so it is polled. */
static int wait_pulse(struct ward *ward, struct wait_entry *entry, uint64_t *beats,
		 uint64_t *units)
{
	ward_ns until = entry->until, now;
	int err, why = 0;

	for (;;) {
		wait_look(entry);
		err = poll_pulse(ward, beats, units);
		if (err != -EAGAIN)
			return err;
		if (why && why != -ETIMEDOUT)
			return why;
		now = host_now();
		if (now >= until)
			return -ETIMEDOUT;
		why = wait_nap(entry, until - now < POLL_EVERY ? until : now + POLL_EVERY);
	}
}

int ward_pulse_wait(struct ward *ward, uint64_t *beats, uint64_t *units,
		    ward_ns until)
{
	struct wait_entry entry;
	int err = beats && units ? handle_enter(ward, HANDLE_WARD) : -EINVAL;

	if (err)
		return err;
	wait_enter(&entry, &ward->me.gone, until, WAIT_BLOCK);
	err = wait_pulse(ward, &entry, beats, units);
	wait_finish(&entry);
	return err;
}
