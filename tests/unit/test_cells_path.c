/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells that are programs of their own, where there is no zygote; and such a program.
 */
#include "cell_ask.h"

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- a program of its own -------------------------------- */

Test(cells_path, a_program_of_its_own)
{
	struct ward_cells_config config = path_config(1);
	struct ward_pool *pool = pool_of(1);
	struct ward_cells *cells = cells_with(pool, &config); /* no zygote */
	struct ask ask;

	one(cells, ASK_ECHO, 0, 0);
	one(cells, ASK_KILL, 0, -EOWNERDEAD);
	ask_init(&ask, ASK_SPIN, 0)->call.task.policy = &hasty;
	asked(cells, &ask);
	ask_had(&ask, -ETIME);
	cr_assert_eq(answer_of(cells, ASK_LOCAL, 0), 42);
	cells_end(pool, cells);
}

Test(cells_path, its_arguments)
{
	char name[] = "cell", fails[8], *const argv[] = { name, fails, NULL };
	struct ward_cells_config config = path_config(1);
	struct ward_pool *pool = pool_of(1);

	config.argv = argv;
	snprintf(fails, sizeof(fails), "%d", ASK_STATUS);
	not_made(pool, &config, -EOWNERDEAD);
	snprintf(fails, sizeof(fails), "%d", -1);
	cells_end(pool, cells_with(pool, &config));
}

Test(cells_path, a_path_that_is_no_program_or_no_cell)
{
	static const struct {
		const char *path;
		int want;
	} row[] = { { "/no/such/program", -ENOENT }, { "/", -EACCES },
		    { "/bin/true", -EOWNERDEAD } };
	struct ward_pool *pool = pool_of(1);
	struct ward_cells_config config = path_config(1);

	for (size_t i = 0; i < SIZE(row); i++) {
		config.path = row[i].path;
		not_made(pool, &config, row[i].want);
	}
	ended(pool);
}

Test(cells_path, no_zygote)
{
	struct ward_pool *pool = pool_of(1);
	struct ward_cells_config config = cells_config(1);

	cell_program = program_of();
	not_made(pool, &config, -ENOTCONN);
	cr_assert_eq(ward_cell_zygote(), -EBUSY); /* there are threads */
	not_made(pool, &config, -ENOTCONN);
	ended(pool);
}

/* ---- ward_cell_main() -------------------------------- */

Test(cells_path, main_of_a_program_that_is_no_cell)
{
	struct ward_cell_program program = program_of();

	cr_assert_eq(ward_cell_main(NULL), -EINVAL);
	program.size--;
	cr_assert_eq(ward_cell_main(&program), -EINVAL);
	program.size++;
	program.reserved = 1;
	cr_assert_eq(ward_cell_main(&program), -EINVAL);
	program.reserved = 0;
	program.run = NULL;
	cr_assert_eq(ward_cell_main(&program), -EINVAL);
	program.run = serve;
	cr_assert_eq(ward_cell_main(&program), -ENOTCONN);
	cr_assert_eq(setenv("WARD_CELL_FD", "999", 1), 0);
	cr_assert_eq(ward_cell_main(&program), -ENOTCONN);
	cr_assert_eq(setenv("WARD_CELL_FD", "x", 1), 0);
	cr_assert_eq(ward_cell_main(&program), -ENOTCONN);
	cr_assert_null(getenv("WARD_CELL_FD"));
}

/* A segment of 'size' bytes that begins with 'words'. */
static int main_with(size_t size, const uint32_t *words, size_t n)
{
	struct ward_cell_program program = program_of();
	int fd = memfd_create("segment", 0);
	char text[16];

	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	cr_assert_eq(pwrite(fd, words, n, 0), (ssize_t)n);
	snprintf(text, sizeof(text), "%d", fd);
	setenv("WARD_CELL_FD", text, 1);
	return ward_cell_main(&program);
}

Test(cells_path, main_with_a_segment_of_another_version)
{
	const uint32_t magic[4] = { 0x6c6c6563 }, none[4] = { 0 };

	cr_assert_eq(main_with(64, magic, sizeof(magic)), -EPROTO);
	cr_assert_eq(main_with(1 << 16, none, sizeof(none)), -EPROTO);
	cr_assert_eq(main_with(1 << 16, magic, sizeof(magic)), -EPROTO);
}
