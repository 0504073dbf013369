/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"
#include "tell/text.h"
#include <inttypes.h>

/* ---- values ------------------------------------------------------------------------ */

/* Strings of the page, of which each byte may become six. */
static void put_string(FILE *out, const char *string)
{
	char room[6 * 300 + 3];
	struct text text = { .buf = room, .len = sizeof(room) };

	text_quoted(&text, string);
	text_end(&text);
	fputs(room, out);
}

static void text(FILE *out, const char *key, const char *string)
{
	fprintf(out, "\"%s\":", key);
	put_string(out, string);
}

static void number(FILE *out, const char *key, uint64_t n)
{
	fprintf(out, "\"%s\":%" PRIu64, key, n);
}

static void integer(FILE *out, const char *key, int64_t n)
{
	fprintf(out, "\"%s\":%" PRId64, key, n);
}

static void flag(FILE *out, const char *key, bool yes)
{
	fprintf(out, "\"%s\":%s", key, yes ? "true" : "false");
}

static void comma(FILE *out)
{
	putc(',', out);
}

/* A row's number, or null. */
static void row_number(FILE *out, const char *key, uint32_t row)
{
	if (row == UINT32_MAX)
		fprintf(out, "\"%s\":null", key);
	else
		number(out, key, row);
}

/* ---- numbers of the pool --------------------------------------------------------------- */

static void buckets(FILE *out, const char *key, const uint64_t bucket[WARD_BUCKETS])
{
	fprintf(out, ",\"%s\":[", key);
	for (int i = 0; i < WARD_BUCKETS; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", bucket[i]);
	putc(']', out);
}

#define EACH_STAT(_)                                                                \
	_(workers) _(running) _(idle) _(spares) _(zombies) _(zombies_asleep)         \
	_(vacant) _(wanted) _(least) _(most) _(blocked) _(degraded)                  \
	_(neighbourhoods) _(accepted) _(answered) _(queued) _(owed) _(waiting)       \
	_(in_lanes) _(stolen) _(refused) _(started) _(ended) _(stalled) _(died)      \
	_(faulted) _(failed) _(late) _(reruns) _(stale_commits) _(regrets)           \
	_(dead_letters) _(convicted_livelock) _(convicted_blocked)                   \
	_(convicted_progress) _(deaths) _(acquitted) _(heals) _(zombies_entered)     \
	_(zombies_returned) _(zombies_reaped) _(threads_created) _(threads_joined)   \
	_(reports_told) _(reports_suppressed) _(scans) _(looks) _(worst_lateness)    \
	_(rescues) _(cells_working) _(cells_born) _(cells_unborn) _(cells_died)      \
	_(cells_killed) _(cells_garbled) _(cells_recycled) _(calls_lost) _(calls_moved)

static void stats(FILE *out, const struct ward_stats *s)
{
	const char *before = "";

#define PUT(name)                                                                   \
	fprintf(out, "%s\"%s\":%" PRIu64, before, #name, (uint64_t)s->name);         \
	before = ",";
	EACH_STAT(PUT)
#undef PUT
	buckets(out, "queue_time", s->queue_time);
	buckets(out, "run_time", s->run_time);
	buckets(out, "heal_time", s->heal_time);
	buckets(out, "regret_time", s->regret_time);
}

/* ---- rows --------------------------------------------------------------------------- */

static void put_ledger(FILE *out, const struct ward_ledger *l)
{
	fprintf(out, "\"ledger\":{");
	number(out, "silence", l->silence), comma(out);
	number(out, "busy", l->busy), comma(out);
	number(out, "blocked", l->blocked), comma(out);
	number(out, "starved", l->starved), comma(out);
	number(out, "stopped", l->stopped), comma(out);
	number(out, "blind", l->blind);
	fprintf(out, "},");
}

static void worker(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_worker *w = &m->worker[i];

	number(out, "seat", w->seat), comma(out);
	flag(out, "bench", w->flags & WARD_PAGE_BENCH), comma(out);
	integer(out, "tid", w->tid), comma(out);
	text(out, "doing", doing_name(w->doing)), comma(out);
	flag(out, "waits", w->flags & WARD_PAGE_WAITS), comma(out);
	number(out, "inside_ns", w->inside), comma(out);
	number(out, "started", w->started), comma(out);
	number(out, "beats", w->beats), comma(out);
	number(out, "units", w->units), comma(out);
	number(out, "silence_ns", w->silence), comma(out);
	put_ledger(out, &w->ledger);
	number(out, "busy_within", w->busy_within), comma(out);
	number(out, "blocked_within", w->blocked_within), comma(out);
	number(out, "progress_within", w->progress_within), comma(out);
	text(out, "task", w->task);
}

static void zombie(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_zombie *z = &m->zombie[i];
	ward_ns now = m->pool.head.taken;

	integer(out, "tid", z->tid), comma(out);
	flag(out, "asleep", z->flags & WARD_PAGE_SLEEPS), comma(out);
	number(out, "fenced_for_ns", now > z->since ? now - z->since : 0), comma(out);
	text(out, "task", z->task);
}

static void lane(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_lane *l = &m->lane[i];

	text(out, "name", l->name), comma(out);
	number(out, "width", l->width), comma(out);
	number(out, "queued", l->queued), comma(out);
	number(out, "inside", l->inside), comma(out);
	number(out, "waiting", l->waiting), comma(out);
	number(out, "full", l->full), comma(out);
	number(out, "dropped", l->dropped), comma(out);
	number(out, "recalled", l->recalled), comma(out);
	number(out, "by_callers", l->by_callers), comma(out);
	row_number(out, "under", l->under), comma(out);
	integer(out, "error", l->error);
}

static void limit(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_limit *l = &m->limit[i];

	number(out, "lane", l->lane), comma(out);
	number(out, "interval_ns", l->interval / 32), comma(out);
	number(out, "burst", l->burst), comma(out);
	number(out, "tokens", l->tokens), comma(out);
	number(out, "wait_ns", l->wait);
}

static void member(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_member *row = &m->member[i];

	text(out, "name", row->name), comma(out);
	row_number(out, "above", row->above), comma(out);
	flag(out, "steward", row->steward), comma(out);
	text(out, "state", member_state_name(row->state)), comma(out);
	flag(out, "gave_up", row->spent), comma(out);
	number(out, "starts", row->starts), comma(out);
	number(out, "failures", row->failures), comma(out);
	integer(out, "status", row->status);
}

static void report(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_report *r = &m->report[i];

	number(out, "id", r->id), comma(out);
	text(out, "kind", ward_kind_name(r->kind)), comma(out);
	integer(out, "utc_s", r->utc_s), comma(out);
	row_number(out, "worker", r->worker), comma(out);
	integer(out, "tid", r->tid), comma(out);
	text(out, "task", r->task), comma(out);
	text(out, "what", r->what), comma(out);
	text(out, "message", r->message), comma(out);
	integer(out, "err", r->err), comma(out);
	integer(out, "signal", r->signo), comma(out);
	number(out, "attempt", r->attempt), comma(out);
	number(out, "heal_ns", r->heal), comma(out);
	number(out, "seen", r->seen);
}

static void set(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_set *s = &m->set[i];

	text(out, "name", s->name), comma(out);
	number(out, "wanted", s->wanted), comma(out);
	number(out, "spares_wanted", s->spares_wanted), comma(out);
	number(out, "calls", s->calls), comma(out);
	number(out, "sent", s->sent), comma(out);
	number(out, "answered", s->answered), comma(out);
	number(out, "lost", s->lost), comma(out);
	number(out, "moved", s->moved), comma(out);
	number(out, "born", s->born), comma(out);
	number(out, "unborn", s->unborn), comma(out);
	number(out, "died", s->died), comma(out);
	number(out, "killed", s->killed), comma(out);
	number(out, "garbled", s->garbled), comma(out);
	number(out, "recycled", s->recycled);
}

static void cell(FILE *out, const struct model *m, uint32_t i)
{
	const struct ward_page_cell *c = &m->cell[i];
	ward_ns now = m->cells.head.taken;

	row_number(out, "set", c->set), comma(out);
	integer(out, "pid", c->pid), comma(out);
	text(out, "state", cell_state_name(c->state)), comma(out);
	number(out, "state_for_ns", now > c->since ? now - c->since : 0), comma(out);
	number(out, "calls", c->calls), comma(out);
	number(out, "answered", c->answered), comma(out);
	number(out, "inside_ns", c->inside), comma(out);
	number(out, "silence_ns", c->silence), comma(out);
	put_ledger(out, &c->ledger);
	number(out, "busy_within", c->busy_within), comma(out);
	number(out, "blocked_within", c->blocked_within), comma(out);
	number(out, "progress_within", c->progress_within), comma(out);
	text(out, "call", c->call);
}

/* ,"KEY":[{...},...], and how many more there are. */
static void table(FILE *out, const char *key, const struct ward_page_table *table,
		  const struct model *m,
		  void (*row)(FILE *, const struct model *, uint32_t))
{
	fprintf(out, ",\"%s\":[", key);
	for (uint32_t i = 0; i < table->rows; i++) {
		fprintf(out, i ? ",{" : "{");
		row(out, m, i);
		putc('}', out);
	}
	fprintf(out, "],\"more_%s\":%u", key, table->more);
}

/* ---- all of it ----------------------------------------------------------------------- */

static const char *state_name(const struct model *m)
{
	return !m->pool.head.number		   ? "not started" :
	       m->pool.state == WARD_PAGE_ASLEEP ? "asleep" :
						   "awake";
}

void json_model(FILE *out, const struct model *m, const struct found *found,
		enum fate fate)
{
	static const char *const fates[] = { "lives", "destroyed", "dead" };

	putc('{', out);
	text(out, "pool", m->page.pool), comma(out);
	text(out, "program", m->page.program), comma(out);
	integer(out, "pid", m->page.pid), comma(out);
	text(out, "file", found->path), comma(out);
	text(out, "process", fates[fate]), comma(out);
	text(out, "state", state_name(m)), comma(out);
	integer(out, "made_s", m->page.made_s), comma(out);
	integer(out, "taken_s", m->pool.head.taken_s), comma(out);
	number(out, "age_ns",
	       m->pool.head.taken && m->read_at > m->pool.head.taken ?
		       m->read_at - m->pool.head.taken :
		       0),
		comma(out);
	number(out, "every_ns", m->pool.every), comma(out);
	number(out, "term", m->pool.term), comma(out);
	fprintf(out, "\"stats\":{");
	stats(out, &m->stats);
	putc('}', out);
	table(out, "workers", &m->pool.workers, m, worker);
	table(out, "zombies", &m->pool.zombies, m, zombie);
	table(out, "lanes", &m->pool.lanes, m, lane);
	table(out, "limits", &m->pool.limits, m, limit);
	table(out, "members", &m->tree.members, m, member);
	table(out, "sets", &m->cells.sets, m, set);
	table(out, "cells", &m->cells.cells, m, cell);
	table(out, "reports", &m->reports.reports, m, report);
	putc('}', out);
}
