/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_symbol.h - the name of a piece of code in its source.
 *
 * It reads files, allocates, and holds a lock meanwhile: not for the threads that
 * heal.  The symbols stay in memory from the first hold to the last drop.
 */
#ifndef WARD_LIB_BASE_HOST_SYMBOL_H
#define WARD_LIB_BASE_HOST_SYMBOL_H

#include "base/host.h"

struct host_symbol {
	char name[192];	 /* the function's; "": not known */
	uint64_t offset; /* of the code in it */
	char file[64];	 /* the source, without its folders; "": not known */
	uint32_t line;
};

enum host_code {
	HOST_CODE_AT,	   /* the very place */
	HOST_CODE_RETURN,  /* a return address: the call is meant */
	HOST_CODE_UNKNOWN, /* one of these */
};

/* False: nothing is known. */
bool host_symbol(const void *code, enum host_code what, struct host_symbol *out);

/* Once per pool each. */
void host_symbol_hold(void);
void host_symbol_drop(void);

#endif
