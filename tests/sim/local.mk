# SPDX-License-Identifier: BSD-2-Clause
# The library's own sources under a deterministic scheduler.

sim_tests =
sim_scripts =
