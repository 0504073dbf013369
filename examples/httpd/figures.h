/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * figures.h - the server and its pool in numbers.
 *
 *	/metrics	OpenMetrics text, for a collector
 *	/stats		JSON, for people and tests
 *
 * Both run on the loop: they must answer also when no worker does.
 */
#ifndef HTTPD_FIGURES_H
#define HTTPD_FIGURES_H

struct request;

int figures_metrics(struct request *req);
int figures_stats(struct request *req);

#endif
