/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen.h - pages on a terminal, until q is pressed.
 */
#ifndef WARD_TOOLS_SCREEN_H
#define WARD_TOOLS_SCREEN_H

#include "fleet.h"

struct screen {
	ward_ns interval;
	bool mono;
	struct view view;
};

/* Shows the first page of these at first.  0, or -errno: no terminal. */
int screen_run(const struct screen *how, const struct finds *finds);
/* The same of a fleet, which is heard meanwhile. */
int screen_fleet(const struct screen *how, struct fleet *fleet);

#endif
