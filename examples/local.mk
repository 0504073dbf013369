# SPDX-License-Identifier: BSD-2-Clause
# Programs that use the library as its users do.  HAVE_EVENT is the conditional
# of what needs libevent (EVENT_CFLAGS, EVENT_LIBS).
