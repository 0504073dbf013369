/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options.h - what the command line says.
 */
#ifndef HTTPD_OPTIONS_H
#define HTTPD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *bind, *root;
	uint16_t port; /* 0: any that is free */
	/* for the pool; 0: its default */
	uint32_t workers, zombies, ring, busy_ms, blocked_ms, scan_ms;
	uint32_t cells;	   /* 0: none */
	uint32_t drain_ms; /* at SIGTERM: how long to wait for requests */
	bool faults, json_reports;
};

/* Fills 'options', or says what is wrong and ends the program. */
void options_parse(struct options *options, int argc, char **argv);

#endif
