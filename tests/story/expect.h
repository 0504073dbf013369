/* SPDX-License-Identifier: BSD-2-Clause */
/* expect.h - of programs on other libraries: what is not so ends them, and is said. */
#ifndef WARD_TESTS_STORY_EXPECT_H
#define WARD_TESTS_STORY_EXPECT_H

#include <stdio.h>
#include <unistd.h>

#define EXPECT(what)                                                           \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__,      \
				#what);                                        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

#endif
