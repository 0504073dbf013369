/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * urcu-bp.h - stands in for liburcu's in a simulation build.
 */
#ifndef SIM_URCU_BP_H
#define SIM_URCU_BP_H

void sim_rcu_lock(void);
void sim_rcu_unlock(void);
void sim_rcu_synchronize(void);

#define urcu_bp_read_lock() sim_rcu_lock()
#define urcu_bp_read_unlock() sim_rcu_unlock()
#define urcu_bp_synchronize_rcu() sim_rcu_synchronize()
#define urcu_bp_unregister_thread() ((void)0)

#endif
