/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ward.h - all of libward: a lock-free, self-healing worker pool.
 */
#ifndef WARD_WARD_H
#define WARD_WARD_H

#include <ward/base.h>
#include <ward/bridge.h>
#include <ward/cancel.h>
#include <ward/cell.h>
#include <ward/error.h>
#include <ward/fork.h>
#include <ward/hedge.h>
#include <ward/lane.h>
#include <ward/limit.h>
#include <ward/loop.h>
#include <ward/pool.h>
#include <ward/port.h>
#include <ward/report.h>
#include <ward/stats.h>
#include <ward/steward.h>
#include <ward/task.h>

#endif
