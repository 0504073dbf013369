/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * work.h - /work?us=N: N microseconds of honest work on the CPU.
 */
#ifndef HTTPD_WORK_H
#define HTTPD_WORK_H

struct request;

int work_run(struct request *req);

#endif
