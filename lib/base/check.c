/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/check.h"
#include "base/host.h"
#include <stdio.h>

bool check_failed(const char *where, const char *file, int line,
		  const char *what, bool aborts)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "ward: %s() at %s:%d: this does not hold: %s\n",
			   where, file, line, what);

	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	if (len > 0)
		host_try_stderr(text, (size_t)len);
	if (aborts)
		host_abort();
	return false;
}
