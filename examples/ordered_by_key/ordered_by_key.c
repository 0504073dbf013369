/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ordered_by_key - what belongs together stays in order, all else runs at a time.
 *
 * Events of four accounts arrive mixed.  Each account has a lane of width 1: its
 * events are booked one after the other, as they came, by whichever worker is free.
 * Lanes have no threads: the four share one pool, and four thousand could.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <ward/ward.h>

enum { KEYS = 4, EVENTS = 1000, SHOWN = 8 };

static struct account {
	const char *key;
	struct ward_lane *lane;
	/* Plain memory: no two events of an account are ever booked at once. */
	int booked[EVENTS], n;
	_Atomic int inside;
	int overlaps, met;
} account[KEYS] = { { .key = "anna" },
		    { .key = "ben" },
		    { .key = "carla" },
		    { .key = "dan" } };

static struct event {
	struct ward_task task;
	struct account *account;
	int number;
} event[KEYS][EVENTS];

/* How many accounts are at their first event. */
static _Atomic int at_first;

/* The first event of each account ends when all of them have begun. */
static int meet(void)
{
	at_first++;
	while (at_first < KEYS)
		if (ward_pause(ward_in(WARD_MS(1))))
			return 0;
	return 1;
}

static int book(struct ward_task *task)
{
	struct event *e = ward_entry(task, struct event, task);
	struct account *a = e->account;

	a->overlaps += a->inside++;
	if (e->number == 1)
		a->met = meet();
	a->booked[a->n++] = e->number;
	a->inside--;
	return 0;
}

static int send(struct account *a, struct event *e, int number)
{
	e->task = (struct ward_task)WARD_TASK_INIT(book);
	e->account = a;
	e->number = number;
	return ward_lane_submit(a->lane, &e->task, WARD_FOREVER);
}

static void judge(const struct account *a)
{
	int in_order = 0;

	for (int i = 0; i < a->n; i++)
		in_order += a->booked[i] == i + 1;
	printf("%s:", a->key);
	for (int i = 0; i < SHOWN; i++)
		printf(" %d", a->booked[i]);
	printf(" ...; %d events, %d in order, %d two at once; "
	       "others ran meanwhile: %s\n",
	       a->n, in_order, a->overlaps, a->met ? "yes" : "no");
}

int main(void)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_lane_config one = WARD_LANE_CONFIG_INIT;
	struct ward_pool *pool;

	config.workers = KEYS;
	one.active = 1;
	if (ward_pool_create(&pool, &config) || ward_pool_start(pool))
		return 1;
	for (int k = 0; k < KEYS; k++) {
		one.name = account[k].key;
		if (ward_lane_create(&account[k].lane, pool, &one))
			return 1;
	}
	for (int i = 0; i < EVENTS; i++)
		for (int k = 0; k < KEYS; k++)
			if (send(&account[k], &event[k][i], i + 1))
				return 1;
	for (int k = 0; k < KEYS; k++) {
		ward_lane_join(account[k].lane, WARD_FOREVER);
		judge(&account[k]);
		ward_lane_destroy(account[k].lane);
	}
	return ward_pool_destroy(pool, WARD_FOREVER);
}
