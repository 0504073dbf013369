/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sanitizers.h - UNDER_ASAN and UNDER_TSAN: 1 where AddressSanitizer or
 * ThreadSanitizer looks on, else 0.
 *
 * AddressSanitizer cannot live with two things that the library can:
 * - a thread that ends where no library sees it: the next one on that stack
 *   finds the record of the last, and the process is stopped;
 * - a child of a process with threads that allocates, frees or ends a thread:
 *   the sanitizer's locks are copied as they are, some of them held by threads
 *   that the child does not have.
 *
 * ThreadSanitizer starts no thread in such a child.
 */
#ifndef WARD_TESTS_SANITIZERS_H
#define WARD_TESTS_SANITIZERS_H

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

#endif
