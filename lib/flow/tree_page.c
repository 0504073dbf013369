/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_page.c - the tree's part of its pool's page (pool/page.h): each steward, and below
 * it its members, in the order of their start.
 */
#include "flow/tree.h"

/* All of the tree, though there is room for some. */
static uint32_t put_member(struct page_tree *part, uint32_t n, uint32_t above,
			   const struct member *member)
{
	struct ward_page_member spill, *row = n < PAGE_MEMBERS ? &part->member[n] :
								 &spill;
	uint32_t own = n < PAGE_MEMBERS ? n : UINT32_MAX;

	*row = (struct ward_page_member){ .above = above };
	page_text(row->name, sizeof(row->name), member->name);
	member->ops->show(member, row);
	n++;
	if (!row->steward)
		return n;
	member = ward_entry(member, const struct ward_steward, me)->first;
	for (; member; member = member->next)
		n = put_member(part, n, own, member);
	return n;
}

/* Not once the pool goes: its page goes with it. */
void tree_publish(struct tree *tree)
{
	struct page_tree *part = tree->shown;
	struct snapshot *to;
	uint32_t n;

	tree->moved = false;
	if (!part || tree->closed || !page_is_made(&tree->pool->page))
		return;
	to = &tree->pool->page.part[WARD_PAGE_TREE];
	n = put_member(part, 0, UINT32_MAX, &tree->root->me);
	page_head(&part->head.head, sizeof(part->head), sizeof(*part), host_now());
	part->head.members = page_table(part, part->member, PAGE_MEMBERS, n);
	snapshot_put(to, snapshot_begin(to), (const uint64_t *)(const void *)part,
		     sizeof(*part));
}
