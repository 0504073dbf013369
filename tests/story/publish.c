/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish.c - a pool is watched from outside while tasks hang in it, and its steward.
 *
 * Expected: wardtop, another program, shows the task that hangs by its name, then its
 * thread as a zombie, and the report; a ward that fails, in its tree; and what the next
 * steward sees, after the first was held.
 */
#include "hold.h"

#include "heal/heal.h"

static char dir[] = "/dev/shm/ward-story-XXXXXX";
static char json[1 << 20];

/* What wardtop prints of this process; "" where it fails. */
static const char *seen(void)
{
	const char *build = getenv("top_builddir");
	char command[300];
	size_t len;
	FILE *from;

	snprintf(command, sizeof(command), "%s/wardtop --json %d", build ? build : ".",
		 getpid());
	from = popen(command, "r");
	expect(from);
	len = fread(json, 1, sizeof(json) - 1, from);
	json[len] = '\0';
	if (pclose(from))
		json[0] = '\0';
	return json;
}

static bool shows(const char *words)
{
	return strstr(seen(), words);
}

/* The row of a worker, which ends with its task; silent for longer than a scan. */
static bool shows_silent(const char *task)
{
	static const char key[] = "\"silence_ns\":";
	const char *at, *silence = NULL;
	char end[100];

	snprintf(end, sizeof(end), "\"task\":\"%s\"}", task);
	at = strstr(seen(), "\"workers\":[");
	for (at = at ? strstr(at, key) : NULL; at && at < strstr(json, end);
	     at = strstr(at + 1, key))
		silence = at + strlen(key);
	return silence && strtoull(silence, NULL, 10) > 10 * MS;
}

static void watch_a_hang(struct ward_pool *pool)
{
	struct ward_policy slow = story_policy;
	struct item item;

	slow.blocked_within = 400 * MS;
	item_start(pool, &item, task_gate, &slow, "hangs here");
	wait_until(shows_silent("hangs here"));
	item_done(&item, -ETIME);
	wait_until(shows("\"fenced_for_ns\":"));
	expect(strstr(strstr(json, "\"zombies\":["), "\"task\":\"hangs here\""));
	wait_until(shows("\"kind\":\"blocked\""));
	gate_open(&item);
	item_ends(&item, -ETIME);
	wait_until(shows("\"zombies\":[]"));
}

/* Keeps the pool from sleeping. */
static int beats_until_marked(struct item *item)
{
	while (!load_acquire(&item->mark)) {
		ward_beat();
		story_breathe();
	}
	return 0;
}

static int32_t steward_of(struct ward_pool *pool)
{
	const struct heal *heal = ((struct pool *)pool)->helpers;

	return load_relaxed(&load_acquire(&heal->newest)->before->tid);
}

static void steward_is_held(struct ward_pool *pool)
{
	struct item item;
	struct hold it;

	item_start(pool, &item, beats_until_marked, NULL, "beats");
	wait_until(shows("\"task\":\"beats\"}"));
	expect(strstr(json, "\"term\":0,"));
	if (hold(&it, steward_of(pool))) {
		told(WARD_R_STEWARD, 0);
		wait_until(shows("\"term\":1,"));
		/* It may have been held amid a snapshot of its own. */
		dismissed(&it);
	}
	store_release(&item.mark, 1);
	item_ends(&item, 0);
}

static int fails(void *arg)
{
	(void)arg;
	return -EIO;
}

static void watch_a_ward(void)
{
	struct ward_pool_config pool = story_config();
	struct ward_steward_config config = WARD_STEWARD_CONFIG_INIT;
	struct ward_spec spec = WARD_SPEC_INIT;
	struct ward_steward *root;
	struct ward *ward;

	pool.flags = WARD_POOL_PUBLISH;
	config.pool = &pool;
	config.name = "root";
	config.restarts = 1000;
	spec.name = "weak";
	spec.run = fails;
	spec.backoff_min = spec.backoff_max = 3600 * SECOND;
	expect_equal(ward_steward_create(&root, &config), 0);
	wait_until(shows("\"name\":\"root\",\"above\":null,\"steward\":true,"
			 "\"state\":\"up\""));
	expect_equal(ward_start(&ward, root, &spec), 0);
	wait_until(shows("\"name\":\"weak\",\"above\":0,\"steward\":false,"
			 "\"state\":\"backoff\",\"gave_up\":false,\"starts\":1,"
			 "\"failures\":1,\"status\":-5"));
	ward_put(ward);
	expect_equal(ward_steward_destroy(root, WARD_FOREVER), 0);
}

int main(void)
{
	struct ward_pool_config config = story_config();
	struct ward_pool *pool;

	if (!mkdtemp(dir))
		story_skip("no folder in memory");
	setenv("WARD_PUBLISH_DIR", dir, 1);
	config.flags = WARD_POOL_PUBLISH;
	pool = pool_up(&config);
	if (!*seen())
		story_skip("no wardtop");
	watch_a_hang(pool);
	steward_is_held(pool);
	pool_down(pool);
	watch_a_ward();
	expect(!rmdir(dir)); /* nothing is left in it */
	return 0;
}
