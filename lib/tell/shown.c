/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/shown.h"

static struct ward_page_report *next_row(struct shown *shown)
{
	struct ward_page_report *row = shown->part->report;

	if (shown->n < SHOWN)
		return &row[shown->n++];
	memmove(row, row + 1, (SHOWN - 1) * sizeof(*row));
	return &row[SHOWN - 1];
}

static void fill(struct ward_page_report *row, const struct ward_report *report)
{
	*row = (struct ward_page_report){
		.id = report->id,
		.kind = report->kind,
		.worker = report->worker,
		.at = report->at,
		.utc_s = report->utc_s,
		.err = report->err,
		.signo = report->signo,
		.tid = report->tid,
		.attempt = report->attempt,
		.heal = report->heal,
		.seen = report->seen,
	};
	page_text(row->task, sizeof(row->task), report->task);
	page_text(row->what, sizeof(row->what), report->what);
	page_text(row->message, sizeof(row->message), report->message);
}

void shown_put(struct shown *shown, const struct ward_report *report)
{
	struct page_reports *part = shown->part;

	if (!shown->to)
		return;
	fill(next_row(shown), report);
	page_head(&part->head.head, sizeof(part->head), sizeof(*part), host_now());
	part->head.reports = page_table(part, part->report, SHOWN, shown->n);
	snapshot_put(shown->to, snapshot_begin(shown->to),
		     (const uint64_t *)(const void *)part, sizeof(*part));
}
