/* SPDX-License-Identifier: BSD-2-Clause */
#include "pool/page.h"
#include "tell/shown.h"

/* Parts begin on a line of their own. */
static size_t whole_lines(size_t bytes)
{
	return (bytes + WARD_LINE - 1) & ~(size_t)(WARD_LINE - 1);
}

static size_t part_bytes(const struct page *page, int part)
{
	return part == WARD_PAGE_POOL ? page_pool_bytes(page) :
	       part == WARD_PAGE_TREE ? sizeof(struct page_tree) :
	       part == WARD_PAGE_CELLS ? sizeof(struct page_cells) :
					 sizeof(struct page_reports);
}

/* Where each part lies; returns the end of the last one. */
static size_t lay_out(const struct page *page,
		      struct ward_page_part part[WARD_PAGE_PARTS])
{
	size_t at = whole_lines(sizeof(struct ward_page));

	for (int i = 0; i < WARD_PAGE_PARTS; i++) {
		size_t stride = whole_lines(part_bytes(page, i));

		part[i] = (struct ward_page_part){ .offset = at,
						   .stride = (uint32_t)stride,
						   .copies = SNAPSHOT_COPIES };
		at += SNAPSHOT_COPIES * stride;
	}
	return at;
}

static void describe(struct ward_page *head, const struct page *page, const char *pool)
{
	uint32_t ns;

	head->version = WARD_PAGE_VERSION;
	head->size = sizeof(*head);
	head->bytes = page->host.size;
	head->pid = host_pid();
	head->born = host_born(host_pid());
	head->made = host_now();
	host_utc(&head->made_s, &ns);
	page_text(head->boot, sizeof(head->boot), host_boot());
	page_text(head->program, sizeof(head->program), host_program());
	page_text(head->pool, sizeof(head->pool), pool);
	head->parts = WARD_PAGE_PARTS;
	lay_out(page, head->part);
	/* A reader that finds it has the rest, too. */
	__atomic_store_n(&head->magic, WARD_PAGE_MAGIC, __ATOMIC_RELEASE); /* [sn] */
}

int page_make(struct page *page, const char *pool, uint32_t seats, int *why)
{
	struct ward_page_part part[WARD_PAGE_PARTS];
	int err;

	page->workers = seats < PAGE_WORKERS ? seats + 1 : PAGE_WORKERS;
	err = host_page_make(&page->host, pool, lay_out(page, part), why);
	if (err)
		return err;
	for (int i = 0; i < WARD_PAGE_PARTS; i++) {
		page->part[i].first = (char *)page->host.mem + part[i].offset;
		page->part[i].stride = part[i].stride;
	}
	describe(page->host.mem, page, pool);
	return 0;
}

void page_end(struct page *page)
{
	struct ward_page *head = page->host.mem;

	if (!head || page->host.pid != host_pid())
		return;
	__atomic_store_n(&head->ended, 1, __ATOMIC_RELEASE); /* [sn] */
	host_page_end(&page->host);
}

void page_free(struct page *page)
{
	if (!page_is_made(page))
		return;
	page_end(page);
	host_page_free(&page->host);
	host_free(page->cells.part, sizeof(*page->cells.part));
}
