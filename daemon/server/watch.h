/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing again what was wiped: a reset of a network device, a service that was started (knob.h, wiped_by). Workers say
 * what layers in force need and open what tells of it (wipes.h); the loop waits on that, and lets a worker do it a second
 * after the last word. Nothing is polled: while nothing happens the daemon sleeps, and without such layers nothing is
 * listened to.
 *
 * Somebody who keeps changing the same things is not fought: after WATCH_WRITES_MAX times in WATCH_WINDOW_US the daemon
 * gives up, says so, and leaves the drift until the next change by a client. Looks that find nothing to do become rarer.
 */
#pragma once

struct control;
struct engine;
struct server;
struct watch;

#define WATCH_CALM_US (1000000ULL)         /* after the last word */
#define WATCH_LATER_US (10 * 1000000ULL)   /* once more after a start: services make their threads one after the other */
#define WATCH_WINDOW_US (60 * 1000000ULL)
#define WATCH_WRITES_MAX 5
#define WATCH_IDLE_MAX 6                   /* looks without need are up to 2^6 s apart */

/* In a worker: say what is to be watched, and hand over the descriptors. A failure leaves the daemon as it was. */
void watch_tell(const struct engine *e, int control);

/* In the loop: a word of a worker (CONTROL_WATCH, CONTROL_SOURCE), and the end of its call. take_fd is owned. */
void watch_take(struct server *s, const struct control *c, int take_fd);
void watch_renew(struct server *s);
/* The call that wrote again is over: the text of its CONTROL_DONE, "" when the worker died. */
void watch_done(struct server *s, const char *outcome);
void watch_resume(struct server *s); /* a client has changed something: what was given up is taken up again */
void watch_forget(struct server *s); /* in a worker: close what is the loop's */
void watch_free(struct server *s);   /* at exit */
