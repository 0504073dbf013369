/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * all.cc - the tests of ward/cxx.h but for Asio, one program: C++ headers take seconds.
 */
#include "coroutines.h"
#include "futures.h"
#include "memory.h"
#include "owners.h"

int main()
{
	all_of_memory();
	all_of_futures();
	all_of_owners();
	all_of_coroutines();
	return 0;
}
