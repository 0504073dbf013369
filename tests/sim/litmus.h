/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SIM_LITMUS_H
#define SIM_LITMUS_H

#include "sim.h"

unsigned litmus_count(void);
const char *litmus_name(unsigned i);
/*
 * True if program i shows in that model what it should, and nothing else, in one of
 * 'parts' parts of the schedules.  'whole': all were tried, within the bounds of dfs.
 */
bool litmus_try(unsigned i, enum sim_model model, long parts, bool *whole, long *runs);

#endif
