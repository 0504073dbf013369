/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stateful_ward - what a ward should remember when it is started again.
 *
 * The ward hands on 1, 2, -1, 3, 4, 5, and dies of the negative number.  Its
 * steward bears with five restarts.  The reader stands behind a bridge and never
 * learns that anybody died.
 *
 *	stateless	It begins anew each time.  Without numbers the reader gets
 *			the beginning again and again; with numbers it gets nothing
 *			twice, and nothing more either.
 *	before		It remembers where it was, and so it dies of the same value
 *			for ever: a poison.
 *	after		It remembers that the value was tried.  Everybody gets all
 *			that there is, once.
 *
 * After "Healing Unhealthy Goroutines" in "Concurrency in Go" (K. Cox-Buday, 2017),
 * whose stateless ward is also read by "take 6", and which leaves the state as an
 * exercise.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ward/ward.h>

#define RESTARTS 5

enum memory { STATELESS, BEFORE, AFTER };

static const int values[] = { 1, 2, -1, 3, 4, 5 };
#define VALUES (sizeof(values) / sizeof(*values))

struct stream {
	const char *title;
	enum memory memory;
	bool numbered;
	struct ward_bridge *bridge;
};

/* The ward's own state. */
struct state {
	unsigned next;	  /* value */
	uint64_t emitted; /* so many are on the bridge */
};

static void keep(const struct stream *stream, const struct state *state)
{
	if (stream->memory != STATELESS &&
	    ward_checkpoint(state, sizeof(*state), state->emitted))
		ward_raise(-EIO, "the checkpoint was refused");
}

/*
 * A ward may die between put and checkpoint.  Then its successor puts the same
 * number again, hears that it is there, and goes on.
 */
static int emit(struct stream *stream, struct state *state, const int *value)
{
	uint64_t seq = stream->numbered ? state->emitted + 1 : 0;
	int err = ward_bridge_put(stream->bridge, seq, (void *)(uintptr_t)value,
				  WARD_FOREVER);

	if (err && err != -EALREADY)
		return err;
	state->emitted++;
	return 0;
}

static int ward(void *arg)
{
	struct stream *stream = arg;
	struct state state = { 0, 0 };
	size_t len = sizeof(state);
	int err;

	if (stream->memory != STATELESS &&
	    ward_resume(&state, &len, NULL) == -ENODATA)
		state = (struct state){ 0, 0 }; /* the first of them */
	while (state.next < VALUES) {
		const int *value = &values[state.next++];

		if (*value < 0) {
			if (stream->memory == AFTER)
				keep(stream, &state);
			ward_raise(-EDOM, "%d is no number for me", *value);
		}
		err = emit(stream, &state, value);
		if (err)
			return err;
		keep(stream, &state);
	}
	return 0;
}

/* Reads n values, or up to the end. */
static void read_values(struct stream *stream, unsigned n)
{
	void *item;

	printf("%s:", stream->title);
	while (n-- && !ward_bridge_get(stream->bridge, &item, NULL, WARD_FOREVER))
		printf(" %d", *(int *)item);
}

static void the_end(struct ward *ward)
{
	struct ward_view view = WARD_VIEW_INIT;
	int status;

	ward_wait(ward, WARD_FOREVER, &status);
	ward_view(ward, &view);
	printf("; end of stream after %u starts: %s\n", view.starts,
	       status ? "given up" : "all is done");
}

static void run(struct ward_steward *steward, struct stream *stream)
{
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *it;

	spec.name = "stateful";
	spec.run = ward;
	spec.arg = stream;
	spec.restart = WARD_ON_FAILURE;
	spec.state = sizeof(struct state);
	spec.bridge = stream->bridge;
	if (ward_start(&it, steward, &spec))
		exit(1);
	if (stream->numbered) {
		read_values(stream, UINT32_MAX);
		the_end(it);
	} else {
		read_values(stream, 6);
		printf("; that is enough\n");
		ward_stop(it, WARD_FOREVER);
	}
	ward_put(it);
}

/* For the code that looks after the ward; its reader never hears of it. */
static void tell(void *arg, const struct ward_report *report)
{
	char line[1024];

	(void)arg;
	ward_report_format(report, line, sizeof(line), false);
	fprintf(stderr, "%s\n", line);
}

static void show(struct stream stream)
{
	struct ward_hooks hooks = { .report = tell };
	struct ward_pool_config pool = WARD_POOL_CONFIG_INIT;
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_steward *steward;

	pool.hooks = &hooks;
	config.pool = &pool;
	config.restarts = RESTARTS;
	config.within = WARD_S(60);
	if (ward_bridge_create(&stream.bridge, 2, NULL) ||
	    ward_steward_create(&steward, &config))
		exit(1);
	run(steward, &stream);
	if (ward_steward_destroy(steward, ward_in(WARD_S(10))))
		exit(1);
	ward_bridge_destroy(stream.bridge);
}

int main(void)
{
	show((struct stream){ "stateless, no numbers", STATELESS, false, NULL });
	show((struct stream){ "stateless, numbered", STATELESS, true, NULL });
	show((struct stream){ "resumes before the bad one", BEFORE, true, NULL });
	show((struct stream){ "resumes after the bad one", AFTER, true, NULL });
	return 0;
}
