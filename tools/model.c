/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What no page of ours comes near. */
enum { PARTS = 64, COPIES = 64, ROWS = 1 << 16, BYTES = 16 << 20, TRIES = 20 };

/* ---- the file ---------------------------------------------------------------------- */

/* 0, or -ENOMSG: it ends before. */
static int read_at(int fd, uint64_t offset, void *to, size_t len)
{
	char *at = to;

	if (offset > INT64_MAX - len)
		return -ENOMSG;
	while (len) {
		ssize_t got = pread(fd, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -ENOMSG;
		at += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

#define end_string(string) ((string)[sizeof(string) - 1] = '\0')

static int read_page(struct ward_page *page, int fd)
{
	uint64_t magic = 0;
	int err = read_at(fd, 0, &magic, sizeof(magic));

	if (err || magic != WARD_PAGE_MAGIC)
		return err && err != -ENOMSG ? err : magic || err ? -ENOMSG : -EAGAIN;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	err = read_at(fd, 0, page, sizeof(*page));
	if (err)
		return err;
	if (page->version != WARD_PAGE_VERSION)
		return -EPROTONOSUPPORT;
	if (page->parts <= WARD_PAGE_REPORTS || page->parts > PARTS ||
	    page->size < offsetof(struct ward_page, part) +
				 page->parts * sizeof(page->part[0]))
		return -ENOMSG;
	end_string(page->boot);
	end_string(page->program);
	end_string(page->pool);
	return 0;
}

/* ---- a part ------------------------------------------------------------------------ */

static bool part_is_sound(const struct ward_page_part *part)
{
	return part->copies && part->copies <= COPIES &&
	       part->stride >= sizeof(struct ward_page_head) &&
	       part->stride <= BYTES && part->offset <= INT64_MAX / 2;
}

static uint64_t copy_at(const struct ward_page_part *part, uint32_t i)
{
	return part->offset + (uint64_t)i * part->stride;
}

/* Where the newest whole copy lies; *number 0: none was ever written. */
static uint64_t newest(const struct ward_page_part *part, int fd, uint64_t *number)
{
	uint64_t seen, at = 0;

	*number = 0;
	for (uint32_t i = 0; i < part->copies; i++)
		if (!read_at(fd, copy_at(part, i), &seen, sizeof(seen)) &&
		    seen % 2 == 0 && seen > *number) {
			*number = seen;
			at = copy_at(part, i);
		}
	return at;
}

/* A snapshot in memory of its own: of 'bytes', 0: there is none. */
struct part {
	char *mem;
	size_t bytes;
};

static int copy_once(struct part *part, const struct ward_page_part *where, int fd)
{
	struct ward_page_head head;
	uint64_t number, at = newest(where, fd, &number), again = 0;
	int err;

	if (!number)
		return 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	err = read_at(fd, at, &head, sizeof(head));
	if (err)
		return err;
	if (head.bytes < sizeof(head) || head.bytes > where->stride)
		return -EAGAIN;
	part->mem = malloc(head.bytes);
	if (!part->mem)
		return -ENOMEM;
	err = read_at(fd, at, part->mem, head.bytes);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!err)
		err = read_at(fd, at, &again, sizeof(again));
	if (!err && again != number)
		err = -EAGAIN;
	if (!err)
		part->bytes = head.bytes;
	return err;
}

static int copy_part(struct part *part, const struct ward_page_part *where, int fd)
{
	int err = part_is_sound(where) ? -EAGAIN : -ENOMSG;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		free(part->mem);
		*part = (struct part){ .mem = NULL };
		err = copy_once(part, where, fd);
	}
	return err;
}

/* What both sides know of a struct; the rest stays 0. */
static void take(const struct part *part, uint64_t offset, uint64_t len, void *to,
		 size_t own)
{
	if (len > own)
		len = own;
	if (offset <= part->bytes && len <= part->bytes - offset)
		memcpy(to, part->mem + offset, len);
}

static void take_first(const struct part *part, void *to, size_t own)
{
	struct ward_page_head head = { 0 };

	take(part, 0, sizeof(head), &head, sizeof(head));
	take(part, 0, head.size, to, own);
}

/* *table then says how many there are; NULL where there are none. */
static void *take_rows(const struct part *part, struct ward_page_table *table,
		       size_t own)
{
	uint64_t rows = table->rows, stride = table->stride;
	char *mem = NULL;

	if (rows && rows <= ROWS && stride && stride <= BYTES &&
	    table->offset <= part->bytes &&
	    rows * stride <= part->bytes - table->offset)
		mem = calloc(rows, own);
	if (!mem) {
		table->rows = 0;
		return NULL;
	}
	for (uint64_t i = 0; i < rows; i++)
		take(part, table->offset + i * stride, stride, mem + i * own, own);
	return mem;
}

#define for_rows(row, first, n)                                                 \
	for (__typeof__(first) row = (first); row && row < (first) + (n); row++)

/* ---- each of them ----------------------------------------------------------------- */

static int read_pool(struct model *m, int fd)
{
	struct part part = { .mem = NULL };
	int err = copy_part(&part, &m->page.part[WARD_PAGE_POOL], fd);

	if (!err && part.bytes) {
		take_first(&part, &m->pool, sizeof(m->pool));
		take(&part, m->pool.stats_offset, m->pool.stats_size, &m->stats,
		     sizeof(m->stats));
		m->worker = take_rows(&part, &m->pool.workers, sizeof(*m->worker));
		m->zombie = take_rows(&part, &m->pool.zombies, sizeof(*m->zombie));
		m->lane = take_rows(&part, &m->pool.lanes, sizeof(*m->lane));
		m->limit = take_rows(&part, &m->pool.limits, sizeof(*m->limit));
	}
	for_rows(row, m->worker, m->pool.workers.rows)
		end_string(row->task);
	for_rows(row, m->zombie, m->pool.zombies.rows)
		end_string(row->task);
	for_rows(row, m->lane, m->pool.lanes.rows)
		end_string(row->name);
	free(part.mem);
	return err;
}

static int read_tree(struct model *m, int fd)
{
	struct part part = { .mem = NULL };
	int err = copy_part(&part, &m->page.part[WARD_PAGE_TREE], fd);

	if (!err && part.bytes) {
		take_first(&part, &m->tree, sizeof(m->tree));
		m->member = take_rows(&part, &m->tree.members, sizeof(*m->member));
	}
	for_rows(row, m->member, m->tree.members.rows) {
		end_string(row->name);
		if (row->above >= row - m->member) /* so no circle either */
			row->above = UINT32_MAX;
	}
	free(part.mem);
	return err;
}

static int read_reports(struct model *m, int fd)
{
	struct part part = { .mem = NULL };
	int err = copy_part(&part, &m->page.part[WARD_PAGE_REPORTS], fd);

	if (!err && part.bytes) {
		take_first(&part, &m->reports, sizeof(m->reports));
		m->report = take_rows(&part, &m->reports.reports, sizeof(*m->report));
	}
	for_rows(row, m->report, m->reports.reports.rows) {
		end_string(row->task);
		end_string(row->what);
		end_string(row->message);
	}
	free(part.mem);
	return err;
}

/* None, on the page of a library that had no cells. */
static int read_cells(struct model *m, int fd)
{
	struct part part = { .mem = NULL };
	int err = 0;

	if (m->page.parts > WARD_PAGE_CELLS)
		err = copy_part(&part, &m->page.part[WARD_PAGE_CELLS], fd);
	if (!err && part.bytes) {
		take_first(&part, &m->cells, sizeof(m->cells));
		m->set = take_rows(&part, &m->cells.sets, sizeof(*m->set));
		m->cell = take_rows(&part, &m->cells.cells, sizeof(*m->cell));
	}
	for_rows(row, m->set, m->cells.sets.rows)
		end_string(row->name);
	for_rows(row, m->cell, m->cells.cells.rows) {
		end_string(row->call);
		if (row->set >= m->cells.sets.rows)
			row->set = UINT32_MAX;
	}
	free(part.mem);
	return err;
}

static ward_ns now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (ward_ns)t.tv_sec * 1000000000u + (ward_ns)t.tv_nsec;
}

int model_read(struct model *model, int fd)
{
	int err;

	*model = (struct model){ .read_at = now() };
	err = read_page(&model->page, fd);
	if (!err)
		err = read_pool(model, fd);
	if (!err)
		err = read_tree(model, fd);
	if (!err)
		err = read_reports(model, fd);
	if (!err)
		err = read_cells(model, fd);
	if (err) {
		model_free(model);
		*model = (struct model){ .read_at = 0 };
	}
	return err;
}

void model_free(struct model *model)
{
	free(model->worker);
	free(model->zombie);
	free(model->lane);
	free(model->limit);
	free(model->member);
	free(model->report);
	free(model->set);
	free(model->cell);
}

/* ---- words ------------------------------------------------------------------------ */

static const char *pick(const char *const *name, size_t n, uint32_t i)
{
	return i < n ? name[i] : "?";
}
#define pick(name, i) pick(name, sizeof(name) / sizeof(*(name)), i)

const char *doing_name(uint32_t doing)
{
	static const char *const name[] = { "looks", "parked",	"run",	"dead",
					    "done",  "release", "hook" };

	return pick(name, doing);
}

const char *member_state_name(uint32_t state)
{
	static const char *const name[] = { "down", "backoff", "up", "stopping",
					    "starting" };

	return pick(name, state);
}

const char *cell_state_name(uint32_t state)
{
	static const char *const name[] = { "?",       "born",	 "spare", "working",
					    "leaving", "doomed", "gone" };

	return pick(name, state);
}

ward_ns histogram_share(const uint64_t bucket[WARD_BUCKETS], double share)
{
	double sum = 0, so_far = 0;

	for (int i = 0; i < WARD_BUCKETS; i++)
		sum += (double)bucket[i];
	if (sum == 0)
		return 0;
	for (int i = 0; i < WARD_BUCKETS; i++) {
		so_far += (double)bucket[i];
		if (so_far >= share * sum)
			return (ward_ns)1 << (i + 1);
	}
	return (ward_ns)1 << WARD_BUCKETS;
}
