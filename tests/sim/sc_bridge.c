/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sc_bridge.c - the bridge: nothing twice, nothing missing, nothing from a writer that
 * was replaced; and a thread that waits there wakes up.
 */
#include "flow/bridge.h"
#include "sim.h"
#include "pool/pool.h"
#include <errno.h>
#include <string.h>

#define ITEMS 3
#define ALL 2 /* producers */

static struct ward_bridge *bridge;
static struct pool pool; /* that the workers say they are of */
static struct slot slot[ALL];
static struct ward_task task[ALL];
static bool patient; /* puts wait at once, or look first */

/* The state that has come to be. */
static uint64_t item[ALL + 1][ITEMS + 1]; /* plain: handed over by the bridge */
static uint32_t put_in, got, dropped;
static uint64_t expected, opened_at;
static bool opened;

static offstage void forget(void)
{
	put_in = got = dropped = 0;
	expected = opened_at = 0;
	opened = false;
}

static void drop(void *arg)
{
	(void)arg;
	dropped++;
}

/* Workers inside of run(), in the order of their fence numbers: 1, 2. */
static void set_up_worker(unsigned i)
{
	memset(&slot[i], 0, sizeof(slot[i]));
	memset(&task[i], 0, sizeof(task[i]));
	slot[i].pool = &pool;
	slot[i].index = i;
	slot_begin(&slot[i], &task[i], SLOT_RUN);
	slot[i].self.attempt = 1;
	store_relaxed(&slot[i].fencing.fencing_token, i + 1);
	sim_name((void *)(uintptr_t)&slot[i].fence, "slot[%u].fence", i);
	sim_name((void *)(uintptr_t)&slot[i].wait.pause, "slot[%u].pause", i);
}

static void set_up(void)
{
	forget();
	sim_private(&ward_pulse_);
	memset(&pool, 0, sizeof(pool));
	memset(item, 0, sizeof(item));
	for (unsigned i = 0; i < ALL; i++)
		set_up_worker(i);
	check(ward_bridge_create(&bridge, 2, drop) == 0);
	patient = sim_choose(2);
	for (unsigned i = 0; i < 3; i++)
		sim_name((void *)(uintptr_t)&bridge->cell[i], "cell[%u]", i);
	sim_name((void *)(uintptr_t)&bridge->end, "end");
	sim_name((void *)(uintptr_t)&bridge->opened, "opened");
	sim_name((void *)(uintptr_t)&bridge->closed, "closed");
	sim_name((void *)(uintptr_t)&bridge->free.top, "free");
	sim_name((void *)(uintptr_t)&bridge->room.word, "room");
	sim_name((void *)(uintptr_t)&bridge->room.inside, "room.inside");
	sim_name((void *)(uintptr_t)&bridge->items.word, "items");
	sim_name((void *)(uintptr_t)&bridge->items.inside, "items.inside");
	for (unsigned i = 0; i < 3 + BRIDGE_SPARE; i++)
		sim_name((void *)(uintptr_t)&bridge->node[i].last,
			 "node[%u].last", i);
}

static offstage void count(uint32_t *n)
{
	++*n;
}

/* The item tells its maker and its number. */
static void *make(uint64_t who, uint64_t n)
{
	item[who][n] = who << 8 | n;
	return &item[who][n];
}

static int puts_it(uint64_t seq, void *what)
{
	int err = patient ? -EAGAIN :
			    ward_bridge_put(bridge, seq, what, WARD_NOWAIT);

	if (err == -EAGAIN)
		err = ward_bridge_put(bridge, seq, what, WARD_FOREVER);
	if (err == 0)
		count(&put_in);
	return err;
}

/* ---- the reader ----------------------------------------------------------- */

static offstage void in_sequence(uint64_t value, uint64_t seq)
{
	got++;
	check(seq == expected + 1);
	expected = seq;
	check((value & 0xff) == seq);
	/* After the stream was taken over, all items are the new writer's. */
	check(!opened || seq <= opened_at || value >> 8 == 2);
}

static void reads_sequence(void *arg)
{
	void *what;
	uint64_t seq;
	int err;

	(void)arg;
	while ((err = ward_bridge_get(bridge, &what, &seq, WARD_FOREVER)) == 0)
		in_sequence(*(uint64_t *)what, seq);
	check(err == -EPIPE);
	check(ward_bridge_get(bridge, &what, &seq, WARD_NOWAIT) == -EPIPE);
}

static void over(host_thread reader)
{
	check(ward_bridge_close(bridge, 0) == 0);
	host_join(reader, HOST_FOREVER);
	if (sim_stopped() >= 0)
		return;
	check(got == put_in);
	ward_bridge_destroy(bridge);
	check(dropped == 0);
	check(sim_unfreed() == 0);
}

/* Each is told its number. */
static void two(void (*one)(void *arg), void (*other)(void *arg))
{
	host_thread t[2];

	check(!host_spawn(&t[0], NULL, one, NULL, (void *)1));
	check(!host_spawn(&t[1], NULL, other, NULL, (void *)2));
	host_join(t[0], HOST_FOREVER);
	host_join(t[1], HOST_FOREVER);
}

/* As before, beside a reader that reads to the end. */
static void two_beside(void (*one)(void *arg), void (*other)(void *arg),
		       void (*reads)(void *arg))
{
	host_thread t[3];

	check(!host_spawn(&t[0], NULL, one, NULL, (void *)1));
	check(!host_spawn(&t[1], NULL, other, NULL, (void *)2));
	check(!host_spawn(&t[2], NULL, reads, NULL, NULL));
	host_join(t[0], HOST_FOREVER);
	host_join(t[1], HOST_FOREVER);
	over(t[2]);
}

/* ---- two that put the same numbers ---------------------------------------- */

static void same_numbers(void *arg)
{
	for (uint64_t n = 1; n <= ITEMS; n++) {
		int err = puts_it(n, make((uintptr_t)arg, n));

		check(err == 0 || err == -EALREADY);
	}
}

static void bridge_same(void)
{
	set_up();
	two_beside(same_numbers, same_numbers, reads_sequence);
	check(expected == ITEMS);
}
SCENARIO(bridge_same, "a number comes twice or never, or who is held holds others",
	 .bound = 1, .stop = 0x6, .share = 2);

/* ---- two whose items have none --------------------------------------------- */

static uint64_t seen[ALL + 1];

static void unnumbered(void *arg)
{
	for (uint64_t n = 1; n <= 2; n++)
		check(puts_it(0, make((uintptr_t)arg, n)) == 0);
}

static offstage void in_order(uint64_t value)
{
	got++;
	check((value & 0xff) == ++seen[value >> 8]);
}

static void reads_all(void *arg)
{
	void *what;
	int err;

	(void)arg;
	while ((err = ward_bridge_get(bridge, &what, NULL, WARD_FOREVER)) == 0)
		in_order(*(uint64_t *)what);
	check(err == -EPIPE);
}

static void bridge_many(void)
{
	set_up();
	memset(seen, 0, sizeof(seen));
	two_beside(unnumbered, unnumbered, reads_all);
	check(got >= 2);
}
SCENARIO(bridge_many, "an item is lost, doubled or overtaken", .stop = 0x6);

/*
 * A node that stood before the end is used again by a writer that is about to put the
 * item that another one asks for: it is not there yet.
 */
static void numbers(void *arg)
{
	int err = puts_it(1, make((uintptr_t)arg, 1));

	check(err == 0 || err == -EALREADY);
	check(puts_it(2, make((uintptr_t)arg, 2)) == 0);
}

static void mixes(void *arg)
{
	int err;

	check(puts_it(0, make((uintptr_t)arg, 1)) == 0);
	err = puts_it(1, make((uintptr_t)arg, 2));
	check(err == 0 || err == -EALREADY);
}

static void reads_up(void *arg)
{
	void *what;
	int err;

	(void)arg;
	while ((err = ward_bridge_get(bridge, &what, NULL, WARD_FOREVER)) == 0)
		count(&got);
	check(err == -EPIPE);
}

static void bridge_mixed(void)
{
	set_up();
	two_beside(numbers, mixes, reads_up);
	check(got == 3);
}
SCENARIO(bridge_mixed, "a number is said to be there that is not", .bound = 1,
	 .share = 2);

/* ---- one that was replaced --------------------------------------------------- */

static offstage void it_opened(uint64_t last)
{
	opened = true;
	opened_at = last;
	check(last >= expected);
}

static void old_one(void *arg)
{
	bool refused = false;

	(void)arg;
	host_set_self(&slot[0]);
	for (uint64_t n = 1; n <= ITEMS; n++) {
		int err = puts_it(n, make(1, n));

		check(err == 0 || err == -ESTALE);
		check(!refused || err == -ESTALE);
		refused = err;
	}
}

static void old_one_late(void *arg)
{
	int err;

	(void)arg;
	host_set_self(&slot[0]);
	err = puts_it(ITEMS, make(1, ITEMS));
	check(err == 0 || err == -ESTALE);
}

static void new_one(void *arg)
{
	uint64_t last;

	(void)arg;
	host_set_self(&slot[1]);
	for (uint32_t k = sim_choose(4); k; k--)
		host_relax();
	check(ward_bridge_open(bridge, &last) == 0);
	it_opened(last);
	while (last++ < ITEMS)
		check(puts_it(last, make(2, last)) == 0);
}

static void bridge_over(void)
{
	set_up();
	two_beside(old_one, new_one, reads_sequence);
	check(expected == ITEMS);
}
SCENARIO(bridge_over, "an item of who was replaced comes after the takeover",
	 .bound = 1, .stop = 0x2, .share = 2);

/* Without asking first: the writer puts on from where it believes to be. */
static void bold_one(void *arg)
{
	(void)arg;
	host_set_self(&slot[1]);
	for (uint64_t n = 1; n <= ITEMS; n++) {
		int err = puts_it(n, make(2, n));

		check(err == 0 || err == -EALREADY);
	}
}

static void bridge_bold(void)
{
	set_up();
	two_beside(old_one, bold_one, reads_sequence);
	check(expected == ITEMS);
}
SCENARIO(bridge_bold, "a takeover by a put loses or doubles a number", .stop = 0x2);

/* Full when it is taken over, while the reader makes room. */
static void bridge_full(void)
{
	set_up();
	host_set_self(&slot[0]);
	for (uint64_t n = 1; n <= 2; n++)
		check(ward_bridge_put(bridge, n, make(1, n), WARD_NOWAIT) == 0);
	host_set_self(NULL);
	put_in = 2;
	two_beside(old_one_late, new_one, reads_sequence);
	check(expected == ITEMS);
}
SCENARIO(bridge_full, "an item of who was replaced comes, for it was full", .stop = 0x2);

/* ---- close --------------------------------------------------------------------- */

static void until_closed(void *arg)
{
	int err = 0;

	for (uint64_t n = 1; n <= ITEMS && !err; n++)
		err = puts_it(0, make((uintptr_t)arg, n));
	check(err == 0 || err == -EPIPE);
}

static void closes(void *arg)
{
	(void)arg;
	for (uint32_t k = sim_choose(8); k; k--)
		host_relax();
	check(ward_bridge_close(bridge, -EIO) == 0);
}

static void bridge_close(void)
{
	host_thread t[4];

	set_up();
	check(!host_spawn(&t[0], NULL, until_closed, NULL, (void *)1));
	check(!host_spawn(&t[1], NULL, until_closed, NULL, (void *)2));
	check(!host_spawn(&t[2], NULL, reads_up, NULL, NULL));
	check(!host_spawn(&t[3], NULL, closes, NULL, NULL));
	for (int i = 0; i < 4; i++)
		host_join(t[i], HOST_FOREVER);
	check(ward_bridge_cause(bridge) == -EIO);
	if (sim_stopped() >= 0)
		return;
	check(got == put_in);
	ward_bridge_destroy(bridge);
	check(dropped == 0);
}
SCENARIO(bridge_close, "what was taken is not read before the end, or nobody wakes",
	 .stop = 0x6);

/* Nobody reads: a writer that waits for room hears of the close alone. */
static void bridge_shut(void)
{
	set_up();
	two(until_closed, closes);
}
SCENARIO(bridge_shut, "who waits for room does not hear of the close");

/* The reader that reads to the end, or has enough, destroys it. */
static bool to_the_end;

static void puts_and_closes(void *arg)
{
	(void)arg;
	host_set_self(NULL);
	puts_it(0, make(0, 1));
	if (to_the_end)
		ward_bridge_close(bridge, 0);
}

static void reads_and_destroys(void *arg)
{
	void *what;
	int err;

	(void)arg;
	host_set_self(NULL);
	do {
		err = ward_bridge_get(bridge, &what, NULL, WARD_FOREVER);
		check(!err || err == -EPIPE);
	} while (!err && to_the_end);
	ward_bridge_destroy(bridge);
}

static void bridge_ends(void)
{
	set_up();
	to_the_end = sim_choose(2);
	two(puts_and_closes, reads_and_destroys);
	check(sim_unfreed() == 0);
}
SCENARIO(bridge_ends, "who puts or closes touches a bridge that was destroyed",
	 .bound = 2);


/* ---- fences ---------------------------------------------------------------------- */

static void waits_for_room(void *arg)
{
	int err;

	(void)arg;
	host_set_self(&slot[0]);
	do
		err = ward_bridge_put(bridge, 0, make(1, 1), WARD_FOREVER);
	while (!err);
	check(err == -ESTALE);
	check(!load_relaxed(&slot[0].wait.on));
}

static void waits_for_item(void *arg)
{
	void *what;

	(void)arg;
	host_set_self(&slot[0]);
	check(ward_bridge_get(bridge, &what, NULL, WARD_FOREVER) == -ESTALE);
	check(!load_relaxed(&slot[0].wait.on));
}

static void fences(void *arg)
{
	(void)arg;
	for (uint32_t k = sim_choose(8); k; k--)
		host_relax();
	store_release(&slot[0].fence, FENCE_TAKEN(load_relaxed(&slot[0].word)));
	host_barrier_light(); /* [G] as zombie_make() in zombie.c */
	slot_wake_waiter(&slot[0]);
}

static void fenced(void (*waits)(void *arg))
{
	set_up();
	two(waits, fences);
}

static void bridge_fenced(void)
{
	fenced(waits_for_room);
}
SCENARIO(bridge_fenced, "who was fenced waits for room for ever");

static void bridge_fenced_get(void)
{
	fenced(waits_for_item);
}
SCENARIO(bridge_fenced_get, "who was fenced waits for an item for ever");
