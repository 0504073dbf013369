/* SPDX-License-Identifier: BSD-2-Clause */
#include "routes.h"

#include "faults.h"
#include "figures.h"
#include "files.h"
#include "request.h"
#include "work.h"

#include <stddef.h>
#include <string.h>

#define FAULT(what, ...) \
	{ "/fault/" #what, "fault/" #what, fault_##what, .fault = true, __VA_ARGS__ }

static const struct route routes[] = {
	{ "/work", "work", work_run, .in_cell = true },
	{ "/metrics", "metrics", figures_metrics, .on_loop = true },
	{ "/stats", "stats", figures_stats, .on_loop = true },
	FAULT(spin, .in_cell = true),
	FAULT(sleep, .in_cell = true),
	FAULT(deadlock, .in_cell = true),
	FAULT(exit, .in_cell = true),
	FAULT(segv, .in_cell = true, .only_cell = true),
	FAULT(abort, .in_cell = true, .only_cell = true),
	FAULT(kill, .in_cell = true, .only_cell = true),
	FAULT(gate, .on_loop = true),
};

static int no_path(struct request *req)
{
	return answer_text(&req->answer, 400, "400 no path");
}

static const struct route none = { "", "none", no_path, .on_loop = true };
static const struct route file = { "", "file", files_run, .on_loop = false };

const struct route *route_find(const char *path, bool faults, bool cells)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(path, routes[i].path) &&
		    (faults || !routes[i].fault) &&
		    (cells || !routes[i].only_cell))
			return &routes[i];
	return *path ? &file : &none;
}
