/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * supervisor.c - stewards made, stopped, destroyed.  A root brings its pool along.
 */
#include "flow/tree.h"
#include "front/front.h"
#include "heal/notify.h"
#include <errno.h>
#include <string.h>

#define WARDS_DEFAULT 16u
#define WARDS_MAX 1024u
/* A ward's end, and a timer, find a worker at once. */
#define WORKERS_MORE 2u

/* ---- configuration --------------------------------------------------------------- */

static bool is_roots_own(const struct ward_steward_config *c)
{
	return c->flags & WARD_STEWARD_NOTIFY || c->last || c->wards || c->pool;
}

static int check(const struct ward_steward_config *c)
{
	enum { FLAGS = WARD_STEWARD_NOTIFY | WARD_STEWARD_NO_RESTARTS };

	if (!c || c->size != sizeof(*c) || c->flags & ~(uint32_t)FLAGS ||
	    (c->flags & WARD_STEWARD_NO_RESTARTS && c->restarts) ||
	    (unsigned)c->strategy > WARD_REST_FOR_ONE ||
	    (unsigned)c->last > WARD_LAST_ABORT || c->wards > WARDS_MAX ||
	    (c->parent && is_roots_own(c)) ||
	    (c->last == WARD_LAST_STARVE && !(c->flags & WARD_STEWARD_NOTIFY)))
		return -EINVAL;
	if (c->pool && c->pool->size != sizeof(*c->pool))
		return -EINVAL;
	if (c->name && strnlen(c->name, 12) > 11)
		return -ENAMETOOLONG;
	return 0;
}

static struct ward_steward *supervisor_new(struct tree *tree,
					   const struct ward_steward_config *c)
{
	struct ward_steward *steward = host_alloc(sizeof(*steward));

	if (!steward)
		return NULL;
	steward->notice = host_alloc(sizeof(*steward->notice));
	if (!steward->notice) {
		host_free(steward, sizeof(*steward));
		return NULL;
	}
	steward->magic = handle_magic(HANDLE_STEWARD);
	strcpy(steward->name, c->name && *c->name ? c->name : "steward");
	steward->me.ops = &supervisor_ops;
	steward->me.name = steward->name;
	store_relaxed(&steward->me.refs, 1); /* its handle */
	steward->tree = tree;
	add_acq_rel(&tree->refs, 1);
	steward->strategy = c->strategy;
	steward->restarts = c->flags & WARD_STEWARD_NO_RESTARTS ? 0 :
			    c->restarts ? c->restarts : 3;
	steward->within = c->within ? c->within : WARD_S(5);
	steward->gave_up = c->gave_up;
	steward->arg = c->arg;
	steward->phase = PHASE_DOWN;
	return steward;
}

/* ---- roots ----------------------------------------------------------------------- */

static int pool_up(struct ward_pool **out, const struct ward_steward_config *c,
		   const char *name)
{
	struct ward_pool_config config = WARD_POOL_CONFIG_INIT;
	struct ward_pool *pool;
	int err;

	if (c->pool)
		config = *c->pool;
	config.name = name;
	config.workers = (c->wards ? c->wards : WARDS_DEFAULT) + WORKERS_MORE;
	if (c->flags & WARD_STEWARD_NOTIFY)
		config.flags |= WARD_POOL_NOTIFY;
	err = ward_pool_create(&pool, &config);
	if (err)
		return err;
	err = ward_pool_start(pool);
	if (err)
		ward_pool_destroy(pool, WARD_FOREVER);
	else
		*out = pool;
	return err;
}

/* What is gathered for the page, where there is to be one.  False: no memory. */
static bool shown_new(struct tree *tree, const struct ward_steward_config *c)
{
	if (!c->pool || !(c->pool->flags & WARD_POOL_PUBLISH))
		return true;
	tree->shown = host_alloc(sizeof(*tree->shown));
	return tree->shown;
}

static int root_create(struct ward_steward **out,
		       const struct ward_steward_config *c)
{
	struct tree *tree = host_alloc(sizeof(*tree));
	struct ward_steward *root;
	struct ward_pool *pool;
	int err = -ENOMEM;

	if (!tree)
		return err;
	store_relaxed(&tree->refs, 1); /* this function's */
	root = supervisor_new(tree, c);
	if (!root)
		goto out;
	if (shown_new(tree, c))
		err = pool_up(&pool, c, root->name);
	if (err) {
		member_put(&root->me);
		goto out;
	}
	tree->pool = (struct pool *)pool;
	tree->root = root;
	tree->most = c->wards ? c->wards : WARDS_DEFAULT;
	tree->last = c->last;
	root->me.state = MEMBER_UP;
	root->phase = PHASE_UP;
	tree_lock(tree);
	tree->moved = true;
	tree_unlock(tree);
	*out = root;
out:
	tree_put(tree);
	return err;
}

/* ---- children -------------------------------------------------------------------- */

static int child_create(struct ward_steward **out,
			const struct ward_steward_config *c)
{
	struct ward_steward *parent = c->parent, *child;
	struct tree *tree = parent->tree;
	int err = 0;

	child = supervisor_new(tree, c);
	if (!child)
		return -ENOMEM;
	tree_lock(tree);
	if (supervisor_is_shut(parent)) {
		err = -ESHUTDOWN;
	} else {
		child->parent = parent;
		child->sibling = parent->child;
		parent->child = child;
		*out = child;
		member_enter(parent, &child->me);
	}
	tree_unlock(tree);
	if (err)
		member_put(&child->me);
	return err;
}

int ward_steward_create(struct ward_steward **out,
			const struct ward_steward_config *config)
{
	int err = out ? check(config) : -EINVAL;

	if (!err && config->parent)
		err = handle_enter(config->parent, HANDLE_STEWARD);
	if (err)
		return err;
	return config->parent ? child_create(out, config) :
				root_create(out, config);
}

/* ---- stop ------------------------------------------------------------------------ */

static int check_caller(const struct ward_steward *steward)
{
	int err = handle_enter(steward, HANDLE_STEWARD);

	if (err)
		return err;
	return front_own_thread(steward->tree->pool) ? -EDEADLK : 0;
}

static int stop(struct ward_steward *steward, ward_ns until)
{
	struct tree *tree = steward->tree;

	if (steward == tree->root)
		notify_stopping(tree->pool->helpers);
	tree_lock(tree);
	supervisor_leave(steward);
	tree_unlock(tree);
	return member_wait(&steward->me, until);
}

int ward_steward_stop(struct ward_steward *steward, ward_ns until)
{
	int err = check_caller(steward);

	return err ? err : stop(steward, until);
}

/* ---- destroy --------------------------------------------------------------------- */

static void drop_handles(struct ward_steward *steward)
{
	struct ward_steward *child, *next;

	for (child = steward->child; child; child = next) {
		next = child->sibling;
		drop_handles(child);
	}
	member_put(&steward->me);
}

static void leave_parent(struct ward_steward *steward)
{
	struct ward_steward **at = &steward->parent->child;

	while (*at != steward)
		at = &(*at)->sibling;
	*at = steward->sibling;
}

static int root_destroy(struct tree *tree, ward_ns until)
{
	int left;

	tree_lock(tree);
	tree->closed = true;
	tree_unlock(tree);
	left = ward_pool_destroy((struct ward_pool *)tree->pool, until);
	tree->pool = NULL;
	return left;
}

int ward_steward_destroy(struct ward_steward *steward, ward_ns until)
{
	struct tree *tree;
	int left = check_caller(steward);

	if (left == -ECHILD && steward == steward->tree->root) {
		/* The rest is a copy, which other threads may have been changing. */
		ward_pool_destroy((struct ward_pool *)steward->tree->pool, 0);
		return 0;
	}
	if (left)
		return left == -ECHILD ? 0 : left;
	tree = steward->tree;
	add_acq_rel(&tree->refs, 1);
	stop(steward, until);
	if (steward == tree->root)
		left = root_destroy(tree, until);
	tree_lock(tree);
	if (steward->parent)
		leave_parent(steward);
	drop_handles(steward);
	tree_unlock(tree);
	tree_put(tree);
	return left;
}
