# SPDX-License-Identifier: BSD-2-Clause
# wardbench, at the top of the build tree.  HAVE_UV and HAVE_GLIB are the
# conditionals of the rivals that need a library (UV_CFLAGS, UV_LIBS, ...).
