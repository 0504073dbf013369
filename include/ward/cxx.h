/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cxx.h - libward from C++: all of ward/cxx but asio.h, which needs Asio.
 *
 *	C++11	error.h		exceptions become reports: libward::run<fn>, libward::error
 *	C++17	time.h		points and spans of std::chrono
 *		token.h		cancel tokens that live as long as their tasks
 *		pool.h lane.h	as objects; submit() and go() of lambdas
 *		future.h	how a lambda ended, and what it returned
 *		task.h		a lambda that is a task in an object of yours
 *		fork.h		forks and loops of lambdas inside of a task
 *	C++20	coro.h		co_await pool.run(f)
 *
 * The files of cxx/ are had by this one only; asio.h by itself.
 * (The namespace has another name than all else because "ward" is a struct's.)
 */
#ifndef WARD_CXX_H
#define WARD_CXX_H

#ifndef __cplusplus
#error "ward/cxx.h is for C++"
#endif

#include <ward/cxx/error.h>
#if __cplusplus >= 201703L
#include <ward/cxx/fork.h>
#include <ward/cxx/lane.h>
#include <ward/cxx/pool.h>
#include <ward/cxx/task.h>
#include <ward/cxx/time.h>
#endif

#endif
