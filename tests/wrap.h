/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wrap.h - standing between the library and a function that it calls.  The linker's
 * --wrap=host_wait sends calls of host_wait() to the test's function of that name with
 * "__wrap_" before it; with "__real_" before it is the library's.  WRAPPED(host_wait)
 * declares both.
 */
#ifndef WARD_TESTS_WRAP_H
#define WARD_TESTS_WRAP_H

#define WRAPPED(name) __typeof__(name) __real_##name, __wrap_##name

#endif
