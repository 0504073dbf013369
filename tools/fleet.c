/* SPDX-License-Identifier: BSD-2-Clause */
#include "fleet.h"
#include "json_read.h"
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* ---- what one says ------------------------------------------------------------------ */

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
	{ "pid", offsetof(struct member, pid) },
	{ "period_ms", offsetof(struct member, period_ms) },
	{ "in_flight", offsetof(struct member, in_flight) },
	{ "running", offsetof(struct member, running) },
	{ "zombies", offsetof(struct member, zombies) },
	{ "done", offsetof(struct member, done) },
	{ "handed_back", offsetof(struct member, handed_back) },
	{ "lost", offsetof(struct member, lost) },
	{ "fenced", offsetof(struct member, fenced) },
	{ "lapsed", offsetof(struct member, lapsed) },
	{ "dead", offsetof(struct member, dead) },
	{ "pool.workers", offsetof(struct member, workers) },
	{ "pool.zombies", offsetof(struct member, pool_zombies) },
	{ "pool.degraded", offsetof(struct member, degraded) },
	{ "pool.heals", offsetof(struct member, heals) },
	{ "pool.heal_p50_ns", offsetof(struct member, heal_p50) },
	{ "pool.heal_max_ns", offsetof(struct member, heal_max) },
	{ "pool.run_p99_ns", offsetof(struct member, run_p99) },
};

static void take(void *arg, const char *name, const char *value)
{
	struct member *m = arg;

	if (!strcmp(name, "host"))
		snprintf(m->host, sizeof(m->host), "%s", value);
	else if (!strcmp(name, "state"))
		snprintf(m->state, sizeof(m->state), "%s", value);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (!strcmp(name, fields[i].name))
			*(uint64_t *)((char *)m + fields[i].at) =
				strtoull(value, NULL, 10);
}

/* ---- the table ------------------------------------------------------------------------ */

static struct member *find(struct fleet *fleet, const struct member *said)
{
	for (size_t i = 0; i < fleet->n; i++)
		if (fleet->member[i].pid == said->pid &&
		    !strcmp(fleet->member[i].host, said->host))
			return &fleet->member[i];
	return NULL;
}

/* Where there are too many: in place of the one that has been silent longest. */
static struct member *longest_silent(struct fleet *fleet)
{
	struct member *first = fleet->member;

	for (size_t i = 1; i < fleet->n; i++)
		if (fleet->member[i].at < first->at)
			first = &fleet->member[i];
	free(first->text);
	*first = (struct member){ .pid = 0 };
	return first;
}

static struct member *add(struct fleet *fleet)
{
	struct member *more;

	if (fleet->n == FLEET_MOST)
		return longest_silent(fleet);
	more = realloc(fleet->member, (fleet->n + 1) * sizeof(*more));
	if (!more)
		return NULL;
	fleet->member = more;
	more[fleet->n] = (struct member){ .pid = 0 };
	return &more[fleet->n++];
}

static double rate(const struct member *before, const struct member *now)
{
	if (!before->text || now->done < before->done || now->at <= before->at)
		return 0;
	return (double)(now->done - before->done) * 1e9 / (double)(now->at - before->at);
}

bool fleet_take(struct fleet *fleet, const char *text, size_t size, ward_ns now)
{
	struct member said = { .at = now }, *m;

	if (!json_read(text, size, take, &said) || !said.pid || !*said.host ||
	    !*said.state) {
		fleet->malformed++;
		return false;
	}
	m = find(fleet, &said);
	m = m ? m : add(fleet);
	said.text = m ? strndup(text, size) : NULL;
	if (!said.text)
		return true;
	said.per_s = rate(m, &said);
	free(m->text);
	*m = said;
	return true;
}

/* ---- as lines --------------------------------------------------------------------------- */

static bool has_ended(const struct member *m)
{
	return !strcmp(m->state, "ended");
}

/* It should have spoken three times since. */
static bool is_silent(const struct member *m, ward_ns now)
{
	return !has_ended(m) && now - m->at > 3 * m->period_ms * MS + S / 2;
}

static void put_sum(struct lines *lines, const struct view *view, const struct fleet *fleet,
		    ward_ns now)
{
	uint64_t live = 0, silent = 0, flight = 0, done = 0, lost = 0, dead = 0;
	double per_s = 0;

	for (size_t i = 0; i < fleet->n; i++) {
		const struct member *m = &fleet->member[i];
		bool gone = is_silent(m, now);

		silent += gone;
		live += !gone && !has_ended(m);
		flight += gone ? 0 : m->in_flight;
		per_s += gone ? 0 : m->per_s;
		done += m->done;
		lost += m->lost;
		dead += m->dead;
	}
	view_put(lines, view, LOOK_TITLE, "%s  processes %lu  silent %lu", fleet->subject,
		 live, silent);
	if (fleet->deaf)
		view_put(lines, view, LOOK_BAD,
			 "no connection: this is what was heard before");
	view_put(lines, view, LOOK_PLAIN,
		 "messages in flight %s  done %s (%s/s)  lost %s  dead letters %s",
		 view_amount((double)flight).text, view_amount((double)done).text,
		 view_amount(per_s).text, view_amount((double)lost).text,
		 view_amount((double)dead).text);
	if (fleet->malformed)
		view_put(lines, view, LOOK_BAD, "%lu messages were no health of a process",
			 fleet->malformed);
}

static enum look look_of(const struct member *m, ward_ns now)
{
	if (is_silent(m, now) || m->degraded)
		return LOOK_BAD;
	if (has_ended(m))
		return LOOK_DIM;
	return m->running ? LOOK_GOOD : LOOK_PLAIN;
}

static struct word state_of(const struct member *m, ward_ns now)
{
	struct word w;

	if (is_silent(m, now))
		snprintf(w.text, sizeof(w.text), "silent %.12s", view_span(now - m->at).text);
	else
		snprintf(w.text, sizeof(w.text), "%s", m->state);
	return w;
}

static void put_member(struct lines *lines, const struct view *view,
		       const struct member *m, ward_ns now)
{
	view_put(lines, view, look_of(m, now),
		 "%-12.12s %7lu %-12s %4lu/%-4lu %4lu %6lu %7s %7s %6s %5lu %6lu %5lu %7s %7s",
		 m->host, m->pid, state_of(m, now).text, m->running, m->workers,
		 m->pool_zombies, m->in_flight, view_amount(m->per_s).text,
		 view_amount((double)m->done).text,
		 view_amount((double)m->handed_back).text, m->lost, m->fenced + m->lapsed,
		 m->dead, view_span(m->heal_p50).text, view_span(m->heal_max).text);
}

/* By host and number, so that each stays where it is. */
static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = strcmp(x->host, y->host);

	return order ? order : (x->pid > y->pid) - (x->pid < y->pid);
}

bool fleet_lines(struct lines *lines, const struct view *view, const struct fleet *fleet,
		 ward_ns now)
{
	*lines = (struct lines){ .n = 0 };
	put_sum(lines, view, fleet, now);
	view_put(lines, view, LOOK_PLAIN, "%s", "");
	view_put(lines, view, LOOK_TITLE,
		 "host             pid state         run/of  zomb flight  done/s    done   back"
		 "  lost fenced  dead heal p50     max");
	if (fleet->n)
		qsort(fleet->member, fleet->n, sizeof(*fleet->member), by_name);
	for (size_t i = 0; i < fleet->n; i++)
		put_member(lines, view, &fleet->member[i], now);
	return lines->line;
}

void fleet_json(FILE *out, const struct fleet *fleet)
{
	fprintf(out, "{\"processes\":[");
	for (size_t i = 0; i < fleet->n; i++)
		fprintf(out, "%s%s", i ? ",\n" : "", fleet->member[i].text);
	fprintf(out, "]}\n");
}
