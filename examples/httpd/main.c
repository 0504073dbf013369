/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * httpd - a web server that keeps answering while its workers die.
 *
 * README.md tells how it is built and what there is to try.
 */
#include "options.h"
#include "server.h"

#include <malloc.h>
#include <stdio.h>
#include <ward/ward.h>

int main(int argc, char **argv)
{
	/* Static: should threads be left over, they still find it. */
	static struct options options;
	static struct server server;

	options_parse(&options, argc, argv);
	/* Before there is anything that cells need not have. */
	if (options.cells && ward_cell_zygote()) {
		fputs("httpd: no zygote\n", stderr);
		return 2;
	}
	/*
	 * Threads come and go here, and malloc would in time give each of the
	 * CPUs eight arenas, all with something left in them.
	 */
	mallopt(M_ARENA_MAX, 2);
	if (server_open(&server, &options))
		return 2;
	printf("httpd: http://%s:%u/\n", options.bind, server_port(&server));
	fflush(stdout);
	server_run(&server);
	return server_close(&server);
}
