/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults.h - with --faults: requests that ruin their worker on purpose.
 *
 *	/fault/spin?ms=N	computes, gives no sign of life
 *	/fault/sleep?ms=N	sleeps, gives no sign of life
 *	/fault/deadlock?ms=N	waits for a mutex that the loop holds until
 *				/fault/gate?open=1
 *	/fault/exit?how=H	ends its thread: exit, cancel or raw
 *	/fault/segv, abort, kill
 *				with --cells: ends its process, by a signal
 *	/fault/gate?open=B	opens or closes the gate of the deadlock
 *
 * Spin and sleep end when the verdict on them has fallen or after N ms; the
 * deadlock ends at the gate or after N ms.  Then the thread comes home, and
 * everything is as it was.
 */
#ifndef HTTPD_FAULTS_H
#define HTTPD_FAULTS_H

struct request;

/* On the loop thread, before the first request: closes the gate. */
void faults_init(void);

int fault_spin(struct request *req);
int fault_sleep(struct request *req);
int fault_deadlock(struct request *req);
int fault_exit(struct request *req);
int fault_segv(struct request *req);
int fault_abort(struct request *req);
int fault_kill(struct request *req);
int fault_gate(struct request *req);

#endif
