/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_where.h - the process and its machine, for reports that are read elsewhere.
 */
#ifndef WARD_LIB_BASE_HOST_WHERE_H
#define WARD_LIB_BASE_HOST_WHERE_H

#include <stdint.h>

/* Learns it, once for the process; by host_init(). */
void host_where_init(void);
/* In the child of a fork. */
void host_where_forked(void);

/* Static; "" where it is not known. */
const char *host_name(void); /* the machine's */
const char *host_boot(void); /* the id of its boot: a UUID */
int32_t host_pid(void);

#endif
