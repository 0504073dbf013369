/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unloaded.c - a plugin with the library inside of it has run a pool, has destroyed
 * it, and is closed.
 *
 * Expected: its code is still there, for the handlers of signals that the library
 * has installed; and they do no harm.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Sends itself what has a handler; how many did. */
static int raise_all(void)
{
	int n = 0;

	for (int i = SIGRTMIN; i <= SIGRTMAX; i++) {
		struct sigaction is;

		if (sigaction(i, NULL, &is) || is.sa_handler == SIG_DFL)
			continue;
		raise(i);
		n++;
	}
	return n;
}

static int failed(const char *what)
{
	fprintf(stderr, "%s\n", what);
	return 1;
}

int main(void)
{
	const char *top = getenv("top_builddir");
	int (*run)(void);
	char path[4096];
	void *plugin;

	snprintf(path, sizeof(path), "%s/tests/story/.libs/plugin.so",
		 top ? top : ".");
	plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin) {
		printf("skipped: %s\n", dlerror());
		return 77;
	}
	run = (int (*)(void))dlsym(plugin, "plugin_run");
	if (!run || run())
		return failed("the plugin did not run");
	dlclose(plugin);
	if (raise_all() != 1)
		return failed("there is not one signal with a handler");
	if (!dlopen(path, RTLD_NOW | RTLD_NOLOAD))
		return failed("its code is gone");
	return 0;
}
