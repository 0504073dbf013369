/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * json.h - a model as JSON.
 */
#ifndef WARD_TOOLS_JSON_H
#define WARD_TOOLS_JSON_H

#include "find.h"
#include <stdio.h>

/* One object, without a newline after it. */
void json_model(FILE *out, const struct model *model, const struct found *found,
		enum fate fate);

#endif
