/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hung - some files are opened that nobody will ever answer for: pipes without a writer.
 * How many of the requests that follow does the process answer, and after how long?
 *
 *	hung FILES REQUESTS SECONDS	and the same under ward-glib-run
 *
 * The end comes with the last answer, or after so many seconds.
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static GMainLoop *loop;
static char *folder;
static gint64 asked;
static unsigned requests, answers;

static void tell(void)
{
	g_print("%u of %u answered after %d ms\n", answers, requests,
		(int)((g_get_monotonic_time() - asked) / 1000));
}

static void info_done(GObject *file, GAsyncResult *result, gpointer data)
{
	g_autoptr(GFileInfo) info = g_file_query_info_finish(G_FILE(file), result, NULL);

	(void)data;
	if (!info)
		g_error("query_info: no answer");
	if (++answers == 1 || answers == requests)
		tell();
	if (answers == requests)
		g_main_loop_quit(loop);
}

static gboolean ask(gpointer data)
{
	g_autoptr(GFile) root = g_file_new_for_path("/");

	(void)data;
	asked = g_get_monotonic_time();
	for (unsigned i = 0; i < requests; i++)
		g_file_query_info_async(root, G_FILE_ATTRIBUTE_STANDARD_SIZE,
					G_FILE_QUERY_INFO_NONE, G_PRIORITY_DEFAULT, NULL,
					info_done, NULL);
	return G_SOURCE_REMOVE;
}

static gboolean too_late(gpointer data)
{
	(void)data;
	tell();
	g_main_loop_quit(loop);
	return G_SOURCE_REMOVE;
}

static void never(GObject *file, GAsyncResult *result, gpointer data)
{
	(void)file;
	(void)result;
	(void)data;
	g_print("opened: somebody writes\n");
}

static void hang(unsigned i)
{
	g_autofree char *path = g_strdup_printf("%s/%u", folder, i);
	g_autoptr(GFile) file = g_file_new_for_path(path);

	if (mkfifo(path, 0600))
		g_error("mkfifo: %s", path);
	g_file_read_async(file, G_PRIORITY_DEFAULT, NULL, never, NULL);
}

static void remove_pipe(unsigned i)
{
	g_autofree char *path = g_strdup_printf("%s/%u", folder, i);

	g_unlink(path);
}

int main(int argc, char **argv)
{
	unsigned files;

	if (argc != 4)
		return 2;
	files = (unsigned)atoi(argv[1]);
	requests = (unsigned)atoi(argv[2]);
	folder = g_dir_make_tmp("hung-XXXXXX", NULL);
	loop = g_main_loop_new(NULL, FALSE);
	for (unsigned i = 0; i < files; i++)
		hang(i);
	g_timeout_add(100, ask, NULL); /* by then they are at it */
	g_timeout_add_seconds((unsigned)atoi(argv[3]), too_late, NULL);
	g_main_loop_run(loop);
	for (unsigned i = 0; i < files; i++)
		remove_pipe(i);
	g_rmdir(folder);
	return answers == requests ? 0 : 1;
}
