/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of held descriptors, in the daemon and as a worker sees it. */
#include "daemon/server/holds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/knobs/knob.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"

#define FD_NAME_PREFIX "hold."

void holds_init(struct holds *h)
{
	*h = (struct holds){.control = -1};
}

static void hold_done(struct hold *h)
{
	free(h->key);
	free(h->value);
	mem_closep(&h->fd);
}

void holds_done(struct holds *h)
{
	for (size_t i = 0; i < h->n; i++)
		hold_done(&h->h[i]);
	free(h->h);
	holds_init(h);
}

static struct hold *find(const struct holds *h, const char *key)
{
	for (size_t i = 0; i < h->n; i++) {
		if (strcmp(h->h[i].key, key) == 0)
			return &h->h[i];
	}
	return NULL;
}

static int put(struct holds *h, const char *key, const char *value, int fd)
{
	struct hold *old = find(h, key);
	struct hold n = {.key = strdup(key), .value = strdup(value), .fd = fd};

	if (!n.key || !n.value || (!old && mem_grow(&h->h, &h->cap, h->n, sizeof(n)) < 0)) {
		hold_done(&n);
		return -ENOMEM;
	}
	if (old) {
		hold_done(old);
		*old = n;
		return 0;
	}
	h->h[h->n++] = n;
	return 0;
}

static void forget_in_store(const struct hold *h)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=" FD_NAME_PREFIX "%s=%s", h->key, h->value);
}

int holds_set(struct holds *h, const char *key, const char *value, int fd)
{
	CLEANUP(mem_freep) char *text = NULL;
	const struct hold *old = find(h, key);
	int r;

	if (old)
		forget_in_store(old);
	r = put(h, key, value, fd);
	if (r < 0)
		return r;
	if (asprintf(&text, "FDSTORE=1\nFDNAME=" FD_NAME_PREFIX "%s=%s", key, value) < 0)
		return 0; /* held all the same; only a restart would let it go */
	sd_pid_notify_with_fds(0, 0, text, &fd, 1);
	return 0;
}

int holds_drop(struct holds *h, const char *key)
{
	struct hold *old = find(h, key);

	if (!old)
		return 0;
	forget_in_store(old);
	hold_done(old);
	*old = h->h[--h->n];
	return 0;
}

int holds_adopt(struct holds *h, const char *fd_name, int fd)
{
	CLEANUP(mem_freep) char *name = strdup(fd_name + strlen(FD_NAME_PREFIX));
	char *eq = name ? strrchr(name, '=') : NULL;

	if (!eq) {
		close(fd);
		return name ? -EINVAL : -ENOMEM;
	}
	*eq = '\0';
	return put(h, name, eq + 1, fd);
}

/* --- in a worker ------------------------------------------------------------------------------------------------------- */

int control_send(int control, const struct control *c, int fd)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} u = {0};
	union {
		const struct control *in;
		void *out;
	} data = {.in = c};
	struct iovec iov = {.iov_base = data.out, .iov_len = sizeof(*c)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *head;

		m.msg_control = u.buf;
		m.msg_controllen = sizeof(u.buf);
		head = CMSG_FIRSTHDR(&m);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	}
	return sendmsg(control, &m, MSG_NOSIGNAL) < 0 ? -EIO : 0;
}

/* Send, and wait until the daemon has it: it must be held before the transaction is committed. */
static int ask(struct holds *h, const struct control *c, int fd)
{
	char answer;

	if (control_send(h->control, c, fd) < 0 || recv(h->control, &answer, 1, 0) != 1)
		return -EIO;
	return answer ? -ENOMEM : 0;
}

static const char *knob_value(void *data, const char *key)
{
	const struct hold *h = find(data, key);

	return h ? h->value : NULL;
}

static int knob_hold(void *data, const char *key, const char *value, int fd, struct hft_err *err)
{
	struct control c = {.kind = CONTROL_HOLD};
	int r;

	snprintf(c.key, sizeof(c.key), "%s", key);
	snprintf(c.value, sizeof(c.value), "%s", value);
	r = ask(data, &c, fd);
	if (r == 0)
		r = put(data, key, value, fd);
	else
		close(fd);
	return r < 0 ? err_raise(err, ERR_IO, -r, key, "the daemon did not take the descriptor") : 0;
}

static int knob_release(void *data, const char *key, struct hft_err *err)
{
	struct control c = {.kind = CONTROL_RELEASE};
	struct holds *h = data;
	struct hold *old = find(h, key);
	int r;

	snprintf(c.key, sizeof(c.key), "%s", key);
	r = ask(h, &c, -1);
	if (r < 0)
		return err_raise(err, ERR_IO, -r, key, "the daemon did not let the descriptor go");
	if (old) {
		hold_done(old);
		*old = h->h[--h->n];
	}
	return 0;
}

void holds_for_knobs(struct holds *h, struct knob_holds *ret)
{
	*ret = (struct knob_holds){.value = knob_value, .hold = knob_hold, .release = knob_release, .data = h};
}
