/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.c - a configuration: whether it is sound, and a copy of it.
 */
#include "nats/consumer.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Tokens with dots between them: no wildcards, nothing that JSON writes otherwise. */
bool is_subject(const char *text)
{
	char before = '.';

	for (; *text; before = *text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f || strchr("*>\"\\", *text))
			return false;
		if (*text == '.' && before == '.')
			return false;
	}
	return before != '.';
}

static int check_name(const char *name)
{
	if (!name || !is_subject(name) || strchr(name, '.') || strchr(name, '/'))
		return -EINVAL;
	return strnlen(name, NAMES_MAX + 1) > NAMES_MAX ? -ENAMETOOLONG : 0;
}

/* May be NULL; with 'part' what comes after it begins there. */
static int check_subject(const char *subject, bool part)
{
	size_t size = subject ? strnlen(subject, NAMES_MAX + 1) : 0;
	char whole[NAMES_MAX + 2];

	if (!subject)
		return 0;
	if (size > NAMES_MAX)
		return -ENAMETOOLONG;
	memcpy(whole, subject, size);
	memcpy(whole + size, "0", 2);
	return is_subject(part ? whole : subject) ? 0 : -EINVAL;
}

static int first(int a, int b)
{
	return a ? a : b;
}

static int check_names(const struct ward_nats_config *c)
{
	int err = c->url && *c->url ? check_name(c->stream) : -EINVAL;

	err = first(err, check_name(c->consumer));
	err = first(err, check_subject(c->results, true));
	err = first(err, check_subject(c->dead, false));
	return first(err, check_subject(c->health, false));
}

static bool is_sound(const struct ward_nats_config *c)
{
	return !(c->flags & ~(uint32_t)WARD_NATS_DOUBLE_ACK) && c->pool &&
	       !c->run == !!c->cells && c->in_flight <= 16384 &&
	       c->out_max <= 1u << 30 && c->in_max <= 1u << 30 &&
	       (!c->deliveries || c->dead) &&
	       (!c->backoff_max || c->backoff_max >= c->backoff_min) &&
	       c->backoff_min < WARD_S(86400) && c->backoff_max < WARD_S(86400) &&
	       (!c->health_period || c->health_period >= WARD_MS(100)) &&
	       (!c->policy || c->policy->size == sizeof(*c->policy));
}

int config_check(const struct ward_nats_config *c)
{
	struct ward_stats stats = WARD_SIZED_INIT_(struct ward_stats);

	if (!c || c->size != sizeof(*c) || !is_sound(c))
		return -EINVAL;
	return first(check_names(c), ward_pool_stats(c->pool, &stats));
}

/* ---- a copy ---------------------------------------------------------------------- */

static const size_t strings[] = {
	offsetof(struct ward_nats_config, url),
	offsetof(struct ward_nats_config, stream),
	offsetof(struct ward_nats_config, consumer),
	offsetof(struct ward_nats_config, user),
	offsetof(struct ward_nats_config, password),
	offsetof(struct ward_nats_config, token),
	offsetof(struct ward_nats_config, credentials),
	offsetof(struct ward_nats_config, ca),
	offsetof(struct ward_nats_config, results),
	offsetof(struct ward_nats_config, dead),
	offsetof(struct ward_nats_config, health),
};
#define STRINGS (sizeof(strings) / sizeof(*strings))

static const char **string_of(struct ward_nats *nats, size_t i)
{
	return (const char **)(void *)((char *)&nats->config + strings[i]);
}

static bool copy_strings(struct ward_nats *nats)
{
	bool all = true;

	for (size_t i = 0; i < STRINGS; i++) {
		const char **string = string_of(nats, i);

		if (*string) {
			*string = strdup(*string);
			all &= !!*string;
		}
	}
	return all;
}

void config_free(struct ward_nats *nats)
{
	for (size_t i = 0; i < STRINGS; i++)
		free((void *)*string_of(nats, i));
}

static ward_ns thousandfold(ward_ns span)
{
	return span * 1000 < WARD_S(86400) ? span * 1000 : WARD_S(86400);
}

static void set_defaults(struct ward_nats_config *c)
{
	c->in_flight = c->in_flight ? c->in_flight : 64;
	c->out_max = c->out_max ? c->out_max : 4096;
	c->deliveries = c->dead && !c->deliveries ? 5 : c->deliveries;
	c->backoff_min = c->backoff_min ? c->backoff_min : WARD_MS(100);
	c->backoff_max = c->backoff_max ? c->backoff_max : thousandfold(c->backoff_min);
	c->health_period = c->health_period ? c->health_period : WARD_S(2);
}

int config_copy(struct ward_nats *nats, const struct ward_nats_config *c)
{
	nats->config = *c;
	nats->policy = c->policy ? *c->policy :
				   (struct ward_policy)WARD_SIZED_INIT_(struct ward_policy);
	nats->policy.runs = 1;
	set_defaults(&nats->config);
	return copy_strings(nats) ? 0 : -ENOMEM;
}
