/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward_notify.c - the service manager is told and fed: a socket of ours stands for
 * it.
 *
 * Expected: READY=1 at the start, WATCHDOG=1 again and again, STOPPING=1 at the
 * end.  A root that gave up and is to starve it sends no more; what it was to do
 * otherwise it does on.
 */
#include "wards.h"

#include <sys/socket.h>
#include <sys/un.h>

static int manager;

static void manager_up(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	expect(manager >= 0);
	/* A name that the kernel chooses: nothing is left in any folder. */
	expect_equal(bind(manager, (struct sockaddr *)&name, len), 0);
	len = sizeof(name);
	expect_equal(getsockname(manager, (struct sockaddr *)&name, &len), 0);
	name.sun_path[0] = '@';
	expect_equal(setenv("NOTIFY_SOCKET", name.sun_path, 1), 0);
	expect_equal(setenv("WATCHDOG_USEC", "4000", 1), 0);
}

/* The next message is that, after others that are 'skip'. */
static void says(const char *want, const char *skip)
{
	char text[256];
	ssize_t got;

	do {
		got = recv(manager, text, sizeof(text) - 1, 0);
		expect(got > 0);
		text[got] = '\0';
	} while (skip && !strcmp(text, skip));
	if (strcmp(text, want))
		story_fail(__FILE__, __LINE__, "it says %s, not %s", text,
			   want);
}

static int fail(void *arg)
{
	(void)arg;
	return -EIO;
}

static _Atomic uint32_t gave_up;

static void count_gave_up(void *arg, struct ward_steward *steward)
{
	(void)arg;
	(void)steward;
	add_acq_rel(&gave_up, 1);
}

static struct ward_steward *up(enum ward_last last)
{
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_pool_config pool = story_config();
	struct ward_steward *root;

	config.flags = WARD_STEWARD_NOTIFY;
	config.last = last;
	config.gave_up = count_gave_up;
	config.pool = &pool;
	store_relaxed(&gave_up, 0);
	expect_equal(ward_steward_create(&root, &config), 0);
	says("READY=1", NULL);
	for (int i = 0; i < 5; i++)
		says("WATCHDOG=1", NULL);
	return root;
}

static void give_up(struct ward_steward *root)
{
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward *ward;

	spec.name = "a";
	spec.run = fail;
	expect_equal(ward_start(&ward, root, &spec), 0);
	ward_put(ward);
	wait_until(load_acquire(&gave_up) == 1);
}

int main(void)
{
	struct ward_steward *root;

	manager_up();
	root = up(WARD_LAST_TELL);
	give_up(root);
	says("WATCHDOG=1", NULL); /* on their way, perhaps, but not all: */
	for (int i = 0; i < 100; i++)
		says("WATCHDOG=1", NULL);
	steward_gone(root);
	says("STOPPING=1", "WATCHDOG=1");

	root = up(WARD_LAST_STARVE);
	give_up(root);
	steward_gone(root);
	says("STOPPING=1", "WATCHDOG=1");
	expect_equal(recv(manager, &gave_up, 1, MSG_DONTWAIT), -1);
	close(manager);
	wait_until(threads_now() == 1);
	return 0;
}
