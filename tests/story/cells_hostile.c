/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cells_hostile.c - cells that write to their segment what they like: random bytes, indices
 * out of range, sizes that overflow, counters that jump, an answer twice, or to a request
 * that they have not; their mark of life set and cleared, futexes flipped; and some that
 * say they are outside of a call, or inside of another, and spin.
 *
 * Expected: the parent does not read or write out of bounds (AddressSanitizer looks on),
 * does not hang, and each accepted call has one done() and one release(); honest calls
 * beside them are answered, with their own answer where their cell was let alone.
 * 1500 garblings; a million if STORY_LONG is set.
 */
#include "cell/shared.h"
#include "cells.h"
#include <sys/prctl.h>

enum { CELLS = 3, VISITS = 40 };

enum garbling {
	HONEST,
	ALL_BYTES,
	SOME_WORDS,
	HEAD_WORDS,
	INDICES,
	SIZES,
	USED,
	TAKEN,
	TWICE,
	NOT_HAD,
	DEAD_ALIVE,
	FLIPS,
	INSIDE,
	WORDS, /* its last ones, and what it committed */
	OUTSIDE_AND_SPINS,
	LYING_AND_SPINS,
	KINDS
};

/* ---- in a cell ----------------------------------------------------------------------- */

static struct cell_shared *segment;
static uint64_t segment_size, seed;

static uint64_t any(void)
{
	return draw(&seed);
}

/* Small, large, or near the ends of what it may be. */
static uint32_t any_word(void)
{
	static const uint32_t ends[] = { 0, 1, 15, 16, 17, 31, 32, ROOM, ROOM + 1,
					 INT32_MAX, UINT32_MAX, 1u << 31 };
	uint64_t n = any();

	return n % 3 ? ends[n / 3 % (sizeof(ends) / sizeof(*ends))] :
		       (uint32_t)any();
}

static int find_segment(void *arg, void **local)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long from, to;

	(void)arg;
	(void)local;
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "memfd:ward-") &&
		    sscanf(line, "%lx-%lx", &from, &to) == 2) {
			segment = (struct cell_shared *)from;
			segment_size = to - from;
		}
	if (file)
		fclose(file);
	signal(SIGSEGV, SIG_DFL); /* a sanitizer would have much to say */
	signal(SIGBUS, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	seed = (uint64_t)getpid() * 977;
	return segment ? 0 : -ENOENT;
}

static void some(uint64_t size, unsigned n)
{
	uint32_t *word = (uint32_t *)(void *)segment;

	while (n--)
		word[any() % (size / 4)] = any_word();
}

static void all_bytes(void)
{
	uint64_t *word = (uint64_t *)(void *)segment;

	for (uint64_t i = 0; i < segment_size / 8; i++)
		word[i] = any();
}

static struct cell_layout layout(void)
{
	struct cell_layout to;

	cell_lay_out(&to, 16, ROOM, ROOM);
	return to;
}

static void answer(uint32_t number)
{
	uint32_t used = load_relaxed(&segment->used);

	store_relaxed(cell_used(segment, 16, used), number);
	store_release(&segment->used, used + 1);
}

static void sizes(bool words)
{
	struct cell_layout to = layout();

	for (uint32_t i = 0; i < 16; i++) {
		struct cell_head *head = cell_head(segment, &to, i);
		struct cell_tail *tail = cell_tail(head, &to);

		tail->out_size = any_word();
		tail->said = any_word();
		tail->status = (int32_t)any_word();
		head->in_size = any_word();
		head->attempt = any_word();
		if (words)
			for (unsigned k = 0; k < sizeof(struct cell_words) / 4; k++)
				((uint32_t *)(void *)cell_words(head, &to))[k] =
					any_word();
	}
}

static void flips(void)
{
	for (int i = 0; i < 2000; i++) {
		store_relaxed(&segment->used, any_word());
		store_relaxed(&segment->rung, any_word());
		store_relaxed(&segment->asleep, i & 1);
		store_relaxed(&segment->listens, i & 2);
		store_relaxed(&segment->taken, any_word());
	}
}

static void mark(void)
{
	_Atomic uint32_t *word = (void *)segment->life.mutex;
	static const uint32_t as[] = { 0, 0x40000000, 0x80000000, 1, UINT32_MAX };

	store_relaxed(word, as[any() % 5]);
	store_relaxed(&segment->stage, any_word() % 4);
}

static void garble(enum garbling how)
{
	switch (how) {
	case ALL_BYTES:
		all_bytes();
		break;
	case SOME_WORDS:
		some(segment_size, 64);
		break;
	case HEAD_WORDS:
		some(sizeof(*segment) + 32 * sizeof(uint32_t), 16);
		break;
	case INDICES:
		for (int i = 0; i < 32; i++)
			store_relaxed(&segment->ring[i], any_word());
		answer(any_word());
		break;
	case SIZES:
	case WORDS:
		sizes(how == WORDS);
		answer(load_relaxed(&segment->inside) - 1);
		break;
	case USED:
		store_release(&segment->used, any_word());
		break;
	case TAKEN:
		store_release(&segment->taken, any_word());
		break;
	case TWICE:
		for (int i = 0; i < 2; i++)
			answer(load_relaxed(&segment->inside) - 1);
		break;
	case NOT_HAD:
		answer((uint32_t)any() % 16);
		break;
	case DEAD_ALIVE:
		mark();
		break;
	case FLIPS:
		flips();
		break;
	case INSIDE:
		store_relaxed(&segment->inside, any_word());
		break;
	default:
		break;
	}
}

static _Noreturn void spin(enum garbling how)
{
	for (;;) {
		store_relaxed(&segment->slot.word, how == OUTSIDE_AND_SPINS ? 0 : any());
		if (how == LYING_AND_SPINS) {
			store_relaxed(&segment->inside, any_word());
			segment->slot.pulse.beats++; /* not for ever: no progress */
		}
	}
}

/* How many a call makes. */
static uint32_t garblings_of(const uint32_t *in)
{
	return 1 + in[2] % 4;
}

static int serves(struct ward_request *r)
{
	uint32_t in[4];

	memcpy(in, r->in, sizeof(in));
	memcpy(r->out, in, sizeof(in));
	r->out_size = sizeof(in);
	if (in[0] == HONEST)
		return 0;
	garble(in[0]);
	for (uint32_t i = garblings_of(in); --i;)
		garble(any() % OUTSIDE_AND_SPINS);
	if (in[0] >= OUTSIDE_AND_SPINS)
		spin(in[0]);
	return in[1] % 4 ? 0 : -EIO;
}

/* ---- in their parent ------------------------------------------------------------------- */

static struct visit visit[VISITS];
static uint64_t garblings, honest, ill;

static const struct ward_policy short_patience = {
	.size = sizeof(short_patience),
	.deaths = 1, .faults = 1, .errors = 1, .stalls = 1,
	.busy_within = 20 * MS, .blocked_within = 20 * MS,
	.progress_within = 60 * MS, .declared_within = 20 * MS
};

static void look_at(const struct visit *v)
{
	if (!v->sent)
		return;
	if (v->in[0] != HONEST)
		garblings += garblings_of(v->in);
	else if (v->status == 0)
		honest++;
	else
		ill++;
}

/* Every second one is honest; those that spin take their time. */
static void send_anew(struct ward_cells *cells, struct visit *v, uint64_t *state)
{
	uint32_t kind = (uint32_t)draw(state) % (2 * OUTSIDE_AND_SPINS);

	look_at(v);
	if (draw(state) % 256 == 0)
		kind = draw(state) % 2 ? OUTSIDE_AND_SPINS : LYING_AND_SPINS;
	v->in[0] = kind < KINDS ? kind : HONEST;
	for (int i = 1; i < 4; i++)
		v->in[i] = (uint32_t)draw(state);
	v->call.task.policy = &short_patience;
	visit_send(cells, v);
}

static void garbled(struct ward_cells *cells, uint64_t times)
{
	uint64_t state = 3;

	while (garblings < times)
		for (int i = 0; i < VISITS; i++)
			if (visit_is_home(&visit[i]))
				send_anew(cells, &visit[i], &state);
	for (int i = 0; i < VISITS; i++) {
		wait_until(visit_is_home(&visit[i]));
		look_at(&visit[i]);
	}
}

int main(void)
{
	uint64_t times = getenv("STORY_LONG") ? 1000000 : 1500;
	struct ward_cell_program program = WARD_CELL_PROGRAM_INIT;
	struct ward_pool_config config = story_config();
	struct ward_cells_stats s;
	struct ward_cells *cells;
	struct ward_pool *pool;

	expect_equal(ward_cell_zygote(), 0);
	program.start = find_segment;
	program.run = serves;
	pool = pool_up(&config);
	cells = cells_up(pool, CELLS, &program);
	garbled(cells, times);
	cells_healed(cells, CELLS);
	s = cells_stats(cells);
	printf("%llu garblings; %llu cells ended as garbled, %llu killed, %llu died; "
	       "%llu honest calls answered, %llu lost\n",
	       (unsigned long long)garblings,
	       (unsigned long long)s.garbled, (unsigned long long)s.killed,
	       (unsigned long long)s.died, (unsigned long long)honest,
	       (unsigned long long)ill);
	expect(s.garbled > 0);
	expect(honest > 0);
	cells_down(cells);
	pool_down(pool);
	return 0;
}
