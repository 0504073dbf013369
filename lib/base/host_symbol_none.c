/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_symbol_none.c - host_symbol.h in a build without libdw.
 */
#include "base/host_symbol.h"

bool host_symbol(const void *code, enum host_code what, struct host_symbol *out)
{
	(void)code;
	(void)what;
	(void)out;
	return false;
}

void host_symbol_hold(void)
{
}

void host_symbol_drop(void)
{
}
