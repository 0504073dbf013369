/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nowhere.h - host_near.h for hosts that are made up: there are no neighbourhoods
 * but those that a test makes.  For one file of a program.
 */
#ifndef WARD_TESTS_NOWHERE_H
#define WARD_TESTS_NOWHERE_H

#include "base/host_near.h"

struct host_near *host_near_find(const struct host_cpus *cpus)
{
	(void)cpus;
	return NULL;
}

void host_near_free(struct host_near *near)
{
	(void)near;
}

uint32_t host_near_here(const struct host_near *near)
{
	(void)near;
	return HOST_NOWHERE;
}

void host_near_stay(const struct host_near *near, uint32_t which)
{
	(void)near;
	(void)which;
}

#endif
