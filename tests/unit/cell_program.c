/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cell_program.c - a program of its own that is run as a cell.
 */
#include "cell_serve.h"

int main(int argc, char **argv)
{
	struct ward_cell_program program = program_of();

	/* An argument is what start() is to do. */
	board_up();
	if (argc > 1)
		atomic_store(&board->start_as, atoi(argv[1]));
	return ward_cell_main(&program) == -ENOTCONN ? 77 : 1;
}
