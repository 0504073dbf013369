/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h - content types by the end of a file's name.
 */
#ifndef HTTPD_TYPES_H
#define HTTPD_TYPES_H

const char *type_of(const char *path);

#endif
