/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What wardtop makes of a page: text, JSON; and that no page harms it, whatever a file
 * holds.
 */
#include "../../tools/json.h"
#include "../../tools/view.h"
#include "../torture/rand.h"
#include "job.h"
#include "json.h"
#include "pool/page.h"
#include "tell/shown.h"

#include <sys/mman.h>

/* ---- a page of our own ------------------------------------------------------------- */

enum { ROWS = 3, LEN = 200 << 10 };

static struct page page;
static struct {
	struct page_pool pool;
	struct ward_page_worker worker[ROWS];
} whole;
static struct page_tree tree;
static struct page_reports reports;
static struct page_cells cells;

static void put(int part, void *from, size_t bytes)
{
	struct ward_page_head *head = from;

	page_head(head, part == WARD_PAGE_POOL ? sizeof(struct ward_page_pool) :
			part == WARD_PAGE_TREE ? sizeof(struct ward_page_tree) :
			part == WARD_PAGE_CELLS ? sizeof(struct ward_page_cells) :
						  sizeof(struct ward_page_reports),
		  (uint32_t)bytes, WARD_S(100));
	cr_assert(snapshot_put(&page.part[part], snapshot_begin(&page.part[part]), from,
			       bytes));
}

static void fill_pool(void)
{
	struct page_pool *p = &whole.pool;

	whole.worker[0] = (struct ward_page_worker){
		.seat = 0, .tid = 70, .doing = WARD_PAGE_RUN, .inside = WARD_S(3),
		.silence = WARD_S(4), .ledger = { WARD_S(4), 0, WARD_S(4), 0, 0, 0 },
		.busy_within = WARD_S(1), .blocked_within = WARD_S(8), .task = "zeta" };
	whole.worker[1] = (struct ward_page_worker){
		.seat = 1, .tid = 71, .doing = WARD_PAGE_RUN, .inside = WARD_S(9),
		.task = "alpha \x1b[2J\"\xff" };
	whole.worker[2] = (struct ward_page_worker){ .seat = 7, .tid = 72,
						     .doing = WARD_PAGE_PARKED };
	p->zombie[0] = (struct ward_page_zombie){ .tid = 80, .flags = WARD_PAGE_SLEEPS,
						  .since = WARD_S(60), .task = "gone" };
	p->lane[0] = (struct ward_page_lane){ .width = 2, .inside = 5, .waiting = 3,
					      .under = UINT32_MAX, .name = "lane" };
	p->limit[0] = (struct ward_page_limit){ .burst = 10, .interval = 32000000,
						.tokens = 4 };
	p->stats = (struct ward_stats)WARD_STATS_INIT;
	p->stats.workers = 3;
	p->stats.answered = 5000;
	p->stats.run_time[10] = 90;
	p->stats.run_time[20] = 10;
	p->head.state = WARD_PAGE_AWAKE;
	p->head.every = WARD_MS(100);
	p->head.stats_offset = offsetof(struct page_pool, stats);
	p->head.stats_size = sizeof(p->stats);
	p->head.workers = page_table(p, p->worker, ROWS, 5);
	p->head.zombies = page_table(p, p->zombie, PAGE_ZOMBIES, 1);
	p->head.lanes = page_table(p, p->lane, PAGE_LANES, 1);
	p->head.limits = page_table(p, p->limit, PAGE_LIMITS, 1);
	put(WARD_PAGE_POOL, p, sizeof(whole));
}

static void fill_rest(void)
{
	tree.member[0] = (struct ward_page_member){ .above = UINT32_MAX, .steward = 1,
						    .state = WARD_PAGE_UP,
						    .name = "root" };
	tree.member[1] = (struct ward_page_member){ .state = WARD_PAGE_BACKOFF,
						    .starts = 4, .failures = 3,
						    .status = -5, .name = "leaf" };
	tree.head.members = page_table(&tree, tree.member, PAGE_MEMBERS, 2);
	put(WARD_PAGE_TREE, &tree, sizeof(tree));
	reports.report[0] = (struct ward_page_report){ .id = 12, .at = WARD_S(99),
						       .kind = WARD_R_LIVELOCK,
						       .task = "zeta", .what = "it spun" };
	reports.head.reports = page_table(&reports, reports.report, SHOWN, 1);
	put(WARD_PAGE_REPORTS, &reports, sizeof(reports));
	cells.set[0] = (struct ward_page_set){ .wanted = 2, .spares_wanted = 1,
					       .answered = 7000, .born = 5, .killed = 2,
					       .name = "decoders" };
	cells.cell[0] = (struct ward_page_cell){
		.pid = 90, .state = WARD_PAGE_WORKING, .since = WARD_S(40), .calls = 3,
		.answered = 8, .inside = WARD_S(5), .silence = WARD_S(4),
		.ledger = { WARD_S(4), WARD_S(4), 0, 0, 0, 0 }, .busy_within = WARD_S(8),
		.blocked_within = WARD_S(8), .call = "eta" };
	cells.cell[1] = (struct ward_page_cell){ .pid = 91, .state = WARD_PAGE_SPARE };
	cells.head.sets = page_table(&cells, cells.set, PAGE_SETS, 1);
	cells.head.cells = page_table(&cells, cells.cell, PAGE_CELLS, 2);
	put(WARD_PAGE_CELLS, &cells, sizeof(cells));
}

/* Its bytes, in a memfd. */
static int made(void)
{
	int why, fd = memfd_create("page", 0);

	setenv("WARD_PUBLISH_DIR", "/nowhere", 1);
	cr_assert_eq(page_make(&page, "look", ROWS - 1, &why), 0);
	fill_pool();
	fill_rest();
	cr_assert_eq(write(fd, page.host.mem, page.host.size), (ssize_t)page.host.size);
	return fd;
}

/* ---- as text ------------------------------------------------------------------------ */

static char *text_of(const struct view *view, const struct model *model, enum fate fate)
{
	static char all[1 << 16];
	struct lines lines;
	size_t at = 0;

	cr_assert(view_lines(&lines, view, model, NULL, fate));
	for (size_t i = 0; i < lines.n && at < sizeof(all) - 300; i++) {
		cr_assert_leq(strlen(lines.line[i].text), view->width);
		at += (size_t)sprintf(all + at, "%s\n", lines.line[i].text);
	}
	lines_free(&lines);
	return all;
}

static void says(const struct view *view, const struct model *model, const char *words)
{
	char *all = text_of(view, model, FATE_LIVES);

	cr_assert(strstr(all, words), "not there: %s\n%s", words, all);
}

/* The page's times are of long ago; so that ages are known, it is read then. */
static struct model read_at(int fd, ward_ns at)
{
	struct model model;

	cr_assert_eq(model_read(&model, fd), 0);
	model.read_at = at;
	return model;
}

Test(view, all_of_it)
{
	struct model model = read_at(made(), WARD_S(100));
	struct view view = { .width = 100 };

	says(&view, &model, "look  ");
	says(&view, &model, "workers 3 ");
	says(&view, &model, "answered 5.00k");
	says(&view, &model, "p50 <2.0us ");
	says(&view, &model, "p99 <2.1ms ");
	says(&view, &model, "    0      70 run        3.0s    4.0s [========        ] zeta\n");
	says(&view, &model, "alpha ?[2J\"?\n"); /* nothing for a terminal to obey */
	says(&view, &model, "      2 more\n");
	says(&view, &model, "        80         40s  asleep   gone\n");
	says(&view, &model, "lane                2      5       3     any");
	says(&view, &model, "1.00k       10        4");
	says(&view, &model,
	     "\n  leaf                         backoff   starts 4  failures 3  last -5\n");
	says(&view, &model, "set decoders of 2+1  calls 0  answered 7.00k  lost 0");
	says(&view, &model, "born 5 (failed 0)  died 0  killed 2  garbled 0");
	says(&view, &model, "      90 working     60s      3        8    5.0s    4.0s "
			    "[########        ] eta\n");
	says(&view, &model, "      91 spare     1m40s      0        0\n");
	says(&view, &model, "1.0s ago  #12 livelock zeta: it spun\n");
	model_free(&model);
}

Test(view, sorted_and_chosen)
{
	struct model model = read_at(made(), WARD_S(100));
	struct view view = { .width = 100, .section = SECTION_WORKERS };
	char *all;

	view.sort = SORT_TASK;
	all = text_of(&view, &model, FATE_LIVES);
	cr_assert_lt(strstr(all, "alpha"), strstr(all, "zeta"));
	cr_assert_null(strstr(all, "leaf"));
	view.sort = SORT_SILENCE;
	all = text_of(&view, &model, FATE_LIVES);
	cr_assert_lt(strstr(all, "zeta"), strstr(all, "alpha"));
	view.sort = SORT_INSIDE;
	all = text_of(&view, &model, FATE_LIVES);
	cr_assert_lt(strstr(all, "alpha"), strstr(all, "zeta"));
	model_free(&model);
}

Test(view, fresh_stale_asleep_dead)
{
	int fd = made();
	struct model model = read_at(fd, WARD_S(100) + WARD_MS(200));
	struct view view = { .width = 100 };

	cr_assert_null(strstr(text_of(&view, &model, FATE_LIVES), "stale"));
	cr_assert(strstr(text_of(&view, &model, FATE_DEAD), "post-mortem: "));
	cr_assert(strstr(text_of(&view, &model, FATE_DESTROYED), "was destroyed"));
	model.read_at = WARD_S(109);
	says(&view, &model, "stale for 9.0s");
	model.pool.state = WARD_PAGE_ASLEEP;
	says(&view, &model, "idle for 9.0s");
	cr_assert_null(strstr(text_of(&view, &model, FATE_LIVES), "stale"));
	model_free(&model);
}

/* ---- as JSON ------------------------------------------------------------------------ */

static char *json_of(const struct model *model)
{
	static const struct found found = { .path = "some \"file\"" };
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	json_model(out, model, &found, FATE_DEAD);
	fclose(out);
	return text;
}

Test(view, one_object)
{
	struct model model = read_at(made(), WARD_S(100));
	char *text = json_of(&model), value[8192];

	cr_assert(json_is_one(text), "%s", text);
	cr_assert(json_get(text, "pool", value, sizeof(value)));
	cr_assert_str_eq(value, "\"look\"");
	cr_assert(json_get(text, "more_workers", value, sizeof(value)));
	cr_assert_str_eq(value, "2");
	cr_assert(json_get(text, "workers", value, sizeof(value)));
	cr_assert(strstr(value, "\"silence_ns\":4000000000,"));
	cr_assert(strstr(value, "\"task\":\"zeta\"}"));
	cr_assert(json_get(text, "stats", value, sizeof(value)));
	cr_assert(strstr(value, "\"answered\":5000,"));
	cr_assert(json_get(text, "sets", value, sizeof(value)));
	cr_assert(strstr(value, "\"name\":\"decoders\",\"wanted\":2,"));
	cr_assert(json_get(text, "cells", value, sizeof(value)));
	cr_assert(strstr(value, "{\"set\":0,\"pid\":90,\"state\":\"working\","));
	cr_assert(strstr(value, "\"call\":\"eta\"}"));
	free(text);
	model_free(&model);
}

/* ---- whatever a file holds ------------------------------------------------------------ */

static void survives(int fd)
{
	struct view view = { .width = 80 };
	struct model model;
	struct lines lines;
	char *text;

	if (model_read(&model, fd))
		return;
	view.sort = (enum sort)(model.read_at % SORTS);
	view_lines(&lines, &view, &model, &model, FATE_LIVES);
	lines_free(&lines);
	text = json_of(&model);
	cr_assert(json_is_one(text), "%s", text);
	free(text);
	model_free(&model);
}

static void poke(int fd, size_t at, const void *from, size_t len)
{
	cr_assert_eq(pwrite(fd, from, len, (off_t)at), (ssize_t)len);
}

/* Each word of the head of all, and of the heads of what was written, is extreme. */
Test(view, extreme_words)
{
	static const uint32_t extreme[] = { 0, 1, 7, 0xffff, 0x7fffffff, 0x80000000,
					    0xfffffff8, 0xffffffff };
	int fd = made();
	const char *mem = page.host.mem;
	size_t from[] = { 0, (size_t)(page.part[0].first - mem),
			  (size_t)(page.part[1].first - mem),
			  (size_t)(page.part[2].first - mem),
			  (size_t)(page.part[3].first - mem) };

	for (int head = 0; head < 5; head++)
		for (size_t at = from[head]; at < from[head] + 256; at += 4) {
			for (size_t i = 0; i < sizeof(extreme) / sizeof(*extreme); i++) {
				poke(fd, at, &extreme[i], 4);
				survives(fd);
			}
			poke(fd, at, mem + at, 4);
		}
}

Test(view, anything_else)
{
	int fd = made();
	const char *mem = page.host.mem;
	struct rng rng = { 7 };

	for (int i = 0; i < 1000; i++) {
		unsigned n = 1 + rng_below(&rng, 20);

		for (unsigned k = 0; k < n; k++) {
			uint64_t word = rng_next(&rng);
			size_t room = rng_below(&rng, 2) ? 2048 : page.host.size;

			poke(fd, rng_below(&rng, (uint32_t)room - 8), &word,
			     1 + rng_below(&rng, 8));
		}
		survives(fd);
		if (i % 10 == 9)
			poke(fd, 0, mem, page.host.size);
	}
}

Test(view, cut_off)
{
	int fd = made();
	struct model model;

	for (size_t len = page.host.size; len > 256; len -= len / 40) {
		cr_assert_eq(ftruncate(fd, (off_t)len), 0);
		survives(fd);
	}
	cr_assert_eq(ftruncate(fd, 20), 0);
	cr_assert_eq(model_read(&model, fd), -ENOMSG);
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(model_read(&model, fd), -ENOMSG);
}

/* A snapshot that is being written is not the newest whole one. */
Test(view, one_that_is_not_whole)
{
	int fd = made();
	size_t at = (size_t)(page.part[WARD_PAGE_POOL].first - (char *)page.host.mem);
	uint64_t odd = 3;
	struct model model;

	fill_pool(); /* the second copy */
	poke(fd, 0, page.host.mem, page.host.size);
	cr_assert_eq(model_read(&model, fd), 0);
	cr_assert_eq(model.pool.head.number, 4);
	model_free(&model);
	poke(fd, at + page.part[WARD_PAGE_POOL].stride, &odd, 8);
	cr_assert_eq(model_read(&model, fd), 0);
	cr_assert_eq(model.pool.head.number, 2);
	model_free(&model);
}
