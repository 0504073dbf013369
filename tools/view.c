/* SPDX-License-Identifier: BSD-2-Clause */
#include "view.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)

const char *const section_name[SECTIONS] = { "all",   "workers", "zombies", "lanes",
					     "limits", "wards",	 "cells",   "reports" };
const char *const sort_name[SORTS] = { "seat", "silence", "time", "task" };

/* ---- lines ------------------------------------------------------------------------- */

/*
 * Without what a terminal takes for a command, or for more than one column, and without
 * spaces at the end.
 */
static void make_plain(char *text)
{
	size_t end = strlen(text);

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			*c = '?';
	while (end && text[end - 1] == ' ')
		text[--end] = '\0';
}

void view_put(struct lines *lines, const struct view *view, enum look look,
	      const char *format, ...)
{
	struct line *more, *line;
	va_list args;

	/* Grown twofold: where the number is a power of two. */
	if (!(lines->n & (lines->n - 1))) {
		size_t room = lines->n ? 2 * lines->n : 1;

		more = realloc(lines->line, room * sizeof(*more));
		if (!more)
			return;
		lines->line = more;
	}
	line = &lines->line[lines->n++];
	line->look = look;
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
	make_plain(line->text);
	if (view->width < sizeof(line->text))
		line->text[view->width] = '\0';
}

void lines_free(struct lines *lines)
{
	free(lines->line);
	*lines = (struct lines){ .n = 0 };
}

/* ---- numbers ------------------------------------------------------------------------ */

struct word view_span(ward_ns ns)
{
	struct word w;
	double x = (double)ns;

	if (!ns)
		snprintf(w.text, sizeof(w.text), "0");
	else if (x < 1e3)
		snprintf(w.text, sizeof(w.text), "%.0fns", x);
	else if (x < 1e6)
		snprintf(w.text, sizeof(w.text), x < 1e4 ? "%.1fus" : "%.0fus", x / 1e3);
	else if (x < 1e9)
		snprintf(w.text, sizeof(w.text), x < 1e7 ? "%.1fms" : "%.0fms", x / 1e6);
	else if (x < 100e9)
		snprintf(w.text, sizeof(w.text), x < 10e9 ? "%.1fs" : "%.0fs", x / 1e9);
	else if (ns < 3600 * S)
		snprintf(w.text, sizeof(w.text), "%um%02us", (unsigned)(ns / S / 60),
			 (unsigned)(ns / S % 60));
	else
		snprintf(w.text, sizeof(w.text), "%luh%02um",
			 (unsigned long)(ns / S / 3600), (unsigned)(ns / S / 60 % 60));
	return w;
}

struct word view_amount(double x)
{
	static const char *const unit[] = { "", "k", "M", "G", "T", "P", "E" };
	struct word w;
	int i = 0;

	for (; x >= 1000 && i < 6; i++)
		x /= 1000;
	snprintf(w.text, sizeof(w.text), "%.*f%s", i && x < 100 ? (x < 10 ? 2 : 1) : 0, x,
		 unit[i]);
	return w;
}

static struct word at_most(uint32_t n)
{
	struct word w;

	snprintf(w.text, sizeof(w.text), n ? "%u" : "any", n);
	return w;
}

/* ---- the head ----------------------------------------------------------------------- */

/* How old the snapshot is; of a process that has ended it is no more than the last. */
static ward_ns age_of(const struct model *m)
{
	ward_ns taken = m->pool.head.taken;

	return m->read_at > taken ? m->read_at - taken : 0;
}

static void put_fate(struct lines *lines, const struct view *view,
		     const struct model *m, enum fate fate)
{
	ward_ns age = age_of(m);

	if (fate == FATE_DEAD)
		view_put(lines, view, LOOK_BAD,
		    "post-mortem: the process has ended; this is its last state");
	else if (fate == FATE_DESTROYED)
		view_put(lines, view, LOOK_DIM, "the pool was destroyed; this is its last state");
	else if (!m->pool.head.number)
		view_put(lines, view, LOOK_DIM, "not started yet");
	else if (m->pool.state == WARD_PAGE_ASLEEP)
		view_put(lines, view, LOOK_DIM, "idle for %s: all workers are parked",
		    view_span(age).text);
	else if (age > 4 * m->pool.every + S)
		view_put(lines, view, LOOK_BAD,
		    "stale for %s: the steward does not run (a stopped process?)",
		    view_span(age).text);
}

static double rate(uint64_t now, uint64_t before, ward_ns span)
{
	return span && now >= before ? (double)(now - before) * 1e9 / (double)span : 0;
}

/* Up to now, or since the page was made. */
static void put_rates(struct lines *lines, const struct view *view,
		      const struct model *m, const struct model *before)
{
	static const struct ward_stats none;
	bool since = before && before->pool.head.taken < m->pool.head.taken;
	const struct ward_stats *s = &m->stats, *b = since ? &before->stats : &none;
	ward_ns from = since ? before->pool.head.taken : m->page.made;
	ward_ns span = m->pool.head.taken > from ? m->pool.head.taken - from : 0;

	view_put(lines, view, LOOK_PLAIN,
	    "tasks/s  in %s  out %s  failed %s  reruns %s  stolen %s%s",
	    view_amount(rate(s->accepted, b->accepted, span)).text,
	    view_amount(rate(s->answered, b->answered, span)).text,
	    view_amount(rate(s->failed, b->failed, span)).text,
	    view_amount(rate(s->reruns, b->reruns, span)).text,
	    view_amount(rate(s->stolen, b->stolen, span)).text,
	    since ? "" : "  (mean since its start)");
}

enum { ENOUGH = 20 };

/* Of the time since 'before', where there are enough in it; else of all. */
static const char *lately(uint64_t out[WARD_BUCKETS], const uint64_t now[WARD_BUCKETS],
			  const uint64_t before[WARD_BUCKETS])
{
	uint64_t sum = 0;

	for (int i = 0; i < WARD_BUCKETS; i++) {
		out[i] = now[i] - before[i];
		sum += now[i] < before[i] ? 0 : out[i];
	}
	if (sum >= ENOUGH && sum <= INT64_MAX)
		return "now";
	memcpy(out, now, WARD_BUCKETS * sizeof(*out));
	return "ever";
}

static void put_times(struct lines *lines, const struct view *view, const char *name,
		      const uint64_t now[WARD_BUCKETS], const uint64_t before[WARD_BUCKETS])
{
	uint64_t bucket[WARD_BUCKETS];
	const char *when = lately(bucket, now, before);

	if (!histogram_share(bucket, 1))
		return;
	view_put(lines, view, LOOK_PLAIN, "%-5s p50 <%-6s p90 <%-6s p99 <%-6s max <%-6s %s",
	    name, view_span(histogram_share(bucket, .5)).text,
	    view_span(histogram_share(bucket, .9)).text,
	    view_span(histogram_share(bucket, .99)).text,
	    view_span(histogram_share(bucket, 1)).text, when);
}

static void put_head(struct lines *lines, const struct view *view,
		     const struct model *m, const struct model *before, enum fate fate)
{
	static const struct ward_stats none;
	const struct ward_stats *s = &m->stats, *b = before ? &before->stats : &none;

	view_put(lines, view, LOOK_TITLE, "%s  %s[%d]  up %s", m->page.pool, m->page.program,
	    m->page.pid,
	    view_span(m->pool.head.taken > m->page.made ? m->pool.head.taken - m->page.made :
						     0)
		    .text);
	put_fate(lines, view, m, fate);
	view_put(lines, view, LOOK_PLAIN,
	    "workers %u (run %u idle %u wait %u)  wanted %u  spares %u  zombies %u%s",
	    s->workers, s->running, s->idle, s->blocked, s->wanted, s->spares, s->zombies,
	    s->degraded ? "  DEGRADED" : "");
	view_put(lines, view, LOOK_PLAIN,
	    "tasks    queued %s  in lanes %s  waiting %s  owed %s  answered %s",
	    view_amount((double)s->queued).text, view_amount((double)s->in_lanes).text,
	    view_amount((double)s->waiting).text, view_amount((double)s->owed).text,
	    view_amount((double)s->answered).text);
	put_rates(lines, view, m, before);
	view_put(lines, view, LOOK_PLAIN,
	    "healing  livelock %lu  blocked %lu  no progress %lu  died %lu (faults %lu)"
	    "  heals %lu",
	    s->convicted_livelock, s->convicted_blocked, s->convicted_progress, s->deaths,
	    s->faulted, s->heals);
	put_times(lines, view, "queue", s->queue_time, b->queue_time);
	put_times(lines, view, "run", s->run_time, b->run_time);
	put_times(lines, view, "heal", s->heal_time, b->heal_time);
}

/* ---- workers ------------------------------------------------------------------------ */

enum { BAR = 16 };

/*
 * What has been spent of the budgets: at the end of the bar a verdict comes.  Time that
 * counts for none is drawn in the measure of the first.
 */
static void put_share(char *bar, unsigned *used, char c, ward_ns part, ward_ns budget)
{
	double cells = budget ? (double)part * BAR / (double)budget : 0;

	for (; *used <= BAR && cells > 0.5; cells--)
		bar[(*used)++] = c;
}

static struct word ledger_bar(const struct ward_page_worker *w)
{
	const struct ward_ledger *l = &w->ledger;
	ward_ns rest = w->silence > l->silence ? w->silence - l->silence : 0;
	struct word bar;
	unsigned used = 1;

	memset(bar.text, ' ', sizeof(bar.text));
	bar.text[0] = '[';
	bar.text[BAR + 1] = ']';
	bar.text[BAR + 2] = '\0';
	put_share(bar.text, &used, '#', l->busy, w->busy_within);
	put_share(bar.text, &used, '=', l->blocked, w->blocked_within);
	put_share(bar.text, &used, '~', l->starved + l->stopped,
		  w->busy_within);
	put_share(bar.text, &used, '?', l->blind, w->blocked_within);
	put_share(bar.text, &used, '.', rest, w->blocked_within);
	return bar;
}

static int by_order(enum sort sort, const struct ward_page_worker *a,
		    const struct ward_page_worker *b)
{
	switch (sort) {
	case SORT_SILENCE:
		return (a->silence < b->silence) - (a->silence > b->silence);
	case SORT_INSIDE:
		return (a->inside < b->inside) - (a->inside > b->inside);
	case SORT_TASK: /* those without one last */
		if (!*a->task != !*b->task)
			return !*a->task - !*b->task;
		return strcmp(a->task, b->task);
	default:
		return 0;
	}
}

/* What is equal stays in the order of its seats. */
static int compare(const void *a, const void *b, void *sort)
{
	const struct ward_page_worker *x = a, *y = b;
	int order = by_order(*(const enum sort *)sort, x, y);

	return order ? order : (x->seat > y->seat) - (x->seat < y->seat);
}

static void put_worker(struct lines *lines, const struct view *view,
		       const struct ward_page_worker *w)
{
	bool idle = w->doing == WARD_PAGE_PARKED || w->doing == WARD_PAGE_LOOKS;
	enum look look = w->silence ? LOOK_BAD : idle ? LOOK_DIM : LOOK_GOOD;
	const char *what = w->flags & WARD_PAGE_WAITS ? "waits" : doing_name(w->doing);
	char seat[16];

	snprintf(seat, sizeof(seat), w->flags & WARD_PAGE_BENCH ? "bench" : "%u", w->seat);
	view_put(lines, view, look, "%5s %7d %-7s %7s %7s %-18s %s", seat, w->tid, what,
	    idle ? "" : view_span(w->inside).text, w->silence ? view_span(w->silence).text : "",
	    w->silence ? ledger_bar(w).text : "", w->task);
}

static void put_more(struct lines *lines, const struct view *view,
		     const struct ward_page_table *table)
{
	if (table->more)
		view_put(lines, view, LOOK_DIM, "%7u more", table->more);
}

static void put_title(struct lines *lines, const struct view *view, const char *title)
{
	view_put(lines, view, LOOK_PLAIN, "%s", "");
	view_put(lines, view, LOOK_TITLE, "%s", title);
}

static void put_workers(struct lines *lines, const struct view *view,
			const struct model *m)
{
	const struct ward_page_table *table = &m->pool.workers;
	size_t bytes = table->rows * sizeof(*m->worker);
	struct ward_page_worker *row = bytes ? malloc(bytes) : NULL;
	enum sort sort = view->sort;

	put_title(lines, view,
		  " seat     tid doing       for  silent [of its budget   ] task");
	if (row) {
		memcpy(row, m->worker, bytes);
		qsort_r(row, table->rows, sizeof(*row), compare, &sort);
		for (uint32_t i = 0; i < table->rows; i++)
			put_worker(lines, view, &row[i]);
	}
	put_more(lines, view, table);
	free(row);
}

/* ---- the rest ----------------------------------------------------------------------- */

static void put_zombies(struct lines *lines, const struct view *view,
			const struct model *m)
{
	const struct ward_page_table *table = &m->pool.zombies;
	ward_ns now = m->pool.head.taken;

	put_title(lines, view, "zombie tid  fenced for  found    task");
	for (uint32_t i = 0; i < table->rows; i++) {
		const struct ward_page_zombie *z = &m->zombie[i];

		view_put(lines, view, LOOK_BAD, "%10d  %10s  %-7s  %s", z->tid,
		    view_span(now > z->since ? now - z->since : 0).text,
		    z->flags & WARD_PAGE_SLEEPS ? "asleep" : "awake", z->task);
	}
	put_more(lines, view, table);
}

static const char *lane_name(const struct model *m, uint32_t lane)
{
	return lane < m->pool.lanes.rows ? m->lane[lane].name : "";
}

static void put_lanes(struct lines *lines, const struct view *view,
		      const struct model *m)
{
	const struct ward_page_table *table = &m->pool.lanes;

	put_title(lines, view,
		  "lane            width inside waiting  queued    full dropped under");
	for (uint32_t i = 0; i < table->rows; i++) {
		const struct ward_page_lane *l = &m->lane[i];

		view_put(lines, view, l->error ? LOOK_BAD : LOOK_PLAIN,
		    "%-15s %5s %6u %7u %7s %7lu %7lu %s", l->name, at_most(l->width).text,
		    l->inside, l->waiting, at_most(l->queued).text, l->full, l->dropped,
		    lane_name(m, l->under));
	}
	put_more(lines, view, table);
}

static void put_limits(struct lines *lines, const struct view *view,
		       const struct model *m)
{
	const struct ward_page_table *table = &m->pool.limits;

	put_title(lines, view, "limit of lane     per s    burst   tokens  next in");
	for (uint32_t i = 0; i < table->rows; i++) {
		const struct ward_page_limit *l = &m->limit[i];
		double per_s = l->interval ? 32e9 / (double)l->interval : 0;

		view_put(lines, view, l->tokens ? LOOK_PLAIN : LOOK_BAD,
		    "%-15s %7s %8u %8lu  %s", lane_name(m, l->lane), view_amount(per_s).text,
		    l->burst, l->tokens, l->tokens ? "" : view_span(l->wait).text);
	}
	put_more(lines, view, table);
}

/* Rows above come before rows below, and no circle is (model.c). */
static unsigned depth_of(const struct model *m, uint32_t i)
{
	unsigned depth = 0;

	while (depth < 20 && (i = m->member[i].above) != UINT32_MAX)
		depth++;
	return depth;
}

static void put_member(struct lines *lines, const struct view *view,
		       const struct model *m, uint32_t i)
{
	const struct ward_page_member *row = &m->member[i];
	int indent = (int)(2 * depth_of(m, i));
	bool bad = row->spent || row->state == WARD_PAGE_BACKOFF;

	if (row->steward)
		view_put(lines, view, bad ? LOOK_BAD : LOOK_PLAIN, "%*s%-*s %-9s%s", indent, "",
		    30 - (indent < 28 ? indent : 28), row->name,
		    member_state_name(row->state), row->spent ? " gave up" : "");
	else
		view_put(lines, view, bad ? LOOK_BAD : LOOK_GOOD,
		    "%*s%-*s %-9s starts %u  failures %u  last %d", indent, "",
		    30 - (indent < 28 ? indent : 28), row->name,
		    member_state_name(row->state), row->starts, row->failures,
		    row->status);
}

static void put_wards(struct lines *lines, const struct view *view,
		      const struct model *m)
{
	put_title(lines, view, "stewards and wards");
	for (uint32_t i = 0; i < m->tree.members.rows; i++)
		put_member(lines, view, m, i);
	put_more(lines, view, &m->tree.members);
}

/* As of a worker that is as silent. */
static struct word cell_bar(const struct ward_page_cell *c)
{
	const struct ward_page_worker as = { .silence = c->silence,
					     .ledger = c->ledger,
					     .busy_within = c->busy_within,
					     .blocked_within = c->blocked_within };

	return ledger_bar(&as);
}

static void put_cell(struct lines *lines, const struct view *view, const struct model *m,
		     uint32_t i)
{
	const struct ward_page_cell *c = &m->cell[i];
	bool bad = c->silence || c->state >= WARD_PAGE_DOOMED;
	ward_ns now = m->cells.head.taken;
	ward_ns age = now > c->since ? now - c->since : 0;

	view_put(lines, view, bad ? LOOK_BAD : c->calls ? LOOK_GOOD : LOOK_DIM,
	    "%8d %-7s %7s %6u %8s %7s %7s %-18s %s", c->pid, cell_state_name(c->state),
	    view_span(age).text, c->calls, view_amount((double)c->answered).text,
	    c->inside ? view_span(c->inside).text : "", c->silence ? view_span(c->silence).text : "",
	    c->silence ? cell_bar(c).text : "", c->call);
}

static void put_set(struct lines *lines, const struct view *view, const struct model *m,
		    uint32_t i)
{
	const struct ward_page_set *s = &m->set[i];

	view_put(lines, view, LOOK_PLAIN, "%s", "");
	view_put(lines, view, s->killed + s->garbled ? LOOK_BAD : LOOK_PLAIN,
	    "set %s of %u+%u  calls %s  answered %s  lost %s  moved %s", s->name,
	    s->wanted, s->spares_wanted, view_amount((double)s->calls).text,
	    view_amount((double)s->answered).text, view_amount((double)s->lost).text,
	    view_amount((double)s->moved).text);
	view_put(lines, view, LOOK_PLAIN,
	    "    born %lu (failed %lu)  died %lu  killed %lu  garbled %lu  recycled %lu",
	    s->born, s->unborn, s->died, s->killed, s->garbled, s->recycled);
	view_put(lines, view, LOOK_TITLE,
	    "     pid state       for  calls answered  inside  silent "
	    "[of its budget   ] call");
	for (uint32_t k = 0; k < m->cells.cells.rows; k++)
		if (m->cell[k].set == i)
			put_cell(lines, view, m, k);
}

static void put_cells(struct lines *lines, const struct view *view,
		      const struct model *m)
{
	for (uint32_t i = 0; i < m->cells.sets.rows; i++)
		put_set(lines, view, m, i);
	put_more(lines, view, &m->cells.cells);
}

static void put_reports(struct lines *lines, const struct view *view,
			const struct model *m)
{
	put_title(lines, view, "last reports, the newest first");
	for (uint32_t i = m->reports.reports.rows; i--;) {
		const struct ward_page_report *r = &m->report[i];

		view_put(lines, view, LOOK_PLAIN, "%8s ago  #%lu %s%s%s: %s%s%s",
		    view_span(m->read_at > r->at ? m->read_at - r->at : 0).text, r->id,
		    ward_kind_name(r->kind), *r->task ? " " : "", r->task, r->what,
		    *r->message ? ": " : "", r->message);
	}
}

/* ---- all of it ---------------------------------------------------------------------- */

/* Chosen, or in SECTION_ALL and not empty. */
static bool wants(const struct view *view, enum section section, uint32_t rows)
{
	return view->section == section || (view->section == SECTION_ALL && rows);
}

bool view_lines(struct lines *lines, const struct view *view, const struct model *now,
		const struct model *before, enum fate fate)
{
	*lines = (struct lines){ .n = 0 };
	put_head(lines, view, now, before, fate);
	if (wants(view, SECTION_WORKERS, now->pool.workers.rows))
		put_workers(lines, view, now);
	if (wants(view, SECTION_ZOMBIES, now->pool.zombies.rows))
		put_zombies(lines, view, now);
	if (wants(view, SECTION_LANES, now->pool.lanes.rows))
		put_lanes(lines, view, now);
	if (wants(view, SECTION_LIMITS, now->pool.limits.rows))
		put_limits(lines, view, now);
	if (wants(view, SECTION_WARDS, now->tree.members.rows))
		put_wards(lines, view, now);
	if (wants(view, SECTION_CELLS, now->cells.sets.rows))
		put_cells(lines, view, now);
	if (wants(view, SECTION_REPORTS, now->reports.reports.rows))
		put_reports(lines, view, now);
	return lines->line;
}
