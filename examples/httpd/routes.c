/* SPDX-License-Identifier: BSD-2-Clause */
#include "routes.h"

#include "faults.h"
#include "figures.h"
#include "files.h"
#include "request.h"
#include "work.h"

#include <stddef.h>
#include <string.h>

static const struct route routes[] = {
	{ "/work", "work", work_run, .on_loop = false },
	{ "/metrics", "metrics", figures_metrics, .on_loop = true },
	{ "/stats", "stats", figures_stats, .on_loop = true },
	{ "/fault/spin", "fault/spin", fault_spin, .fault = true },
	{ "/fault/sleep", "fault/sleep", fault_sleep, .fault = true },
	{ "/fault/deadlock", "fault/deadlock", fault_deadlock, .fault = true },
	{ "/fault/exit", "fault/exit", fault_exit, .fault = true },
	{ "/fault/gate", "fault/gate", fault_gate, .on_loop = true,
	  .fault = true },
};

static int no_path(struct request *req)
{
	return answer_text(&req->answer, 400, "400 no path");
}

static const struct route none = { "", "none", no_path, .on_loop = true };
static const struct route file = { "", "file", files_run, .on_loop = false };

const struct route *route_find(const char *path, bool faults)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (!strcmp(path, routes[i].path) &&
		    (faults || !routes[i].fault))
			return &routes[i];
	return *path ? &file : &none;
}
