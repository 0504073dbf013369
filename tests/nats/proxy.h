/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy.h - a TCP proxy on loopback whose connections a test cuts.  One thread.
 */
#ifndef WARD_TESTS_NATS_PROXY_H
#define WARD_TESTS_NATS_PROXY_H

#include <stdbool.h>
#include <stdint.h>

struct proxy;

/* A connection to the proxy comes to 'port' of 127.0.0.1.  NULL: errno says why. */
struct proxy *proxy_up(uint16_t port);
uint16_t proxy_port(const struct proxy *proxy);

/* How many connections there are. */
unsigned proxy_links(struct proxy *proxy);
/*
 * Resets every connection that there is, in the middle of whatever it carries; returns how
 * many there were.  New ones are welcome.
 */
unsigned proxy_cut(struct proxy *proxy);
/* True: connections stay, and nothing comes through, either way; new ones neither. */
void proxy_hold(struct proxy *proxy, bool hold);

void proxy_down(struct proxy *proxy);

#endif
