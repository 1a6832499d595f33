/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_rtsockets.c: what it says, and whether the kernel stamps packets while it is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/unit/daemon/knobs/holder.h"

extern const struct knob knob_rtsockets;

#define KEY "so_timestamp"

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static void only_who_stays_can_hold(void **state)
{
	struct cputree *t = *state;
	struct holder h = { .key = KEY, .fd = -1 };
	const struct knob_holds holds = holder_of(&h);

	t->c.holds = &holds;
	assert_string_equal(listed(t, &knob_rtsockets, "", KEY), KEY "(na)"); /* a copied tree */
	assert_string_equal(written(t, &knob_rtsockets, KEY, "1"), ERR_NOT_APPLICABLE);
	t->c.copied = false;
	assert_string_equal(listed(t, &knob_rtsockets, "", KEY), KEY);
	t->c.holds = NULL; /* standalone */
	assert_string_equal(listed(t, &knob_rtsockets, "", KEY), KEY "(na)");
	assert_string_equal(value_now(t, &knob_rtsockets, KEY), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_rtsockets, KEY, "1"), ERR_NOT_APPLICABLE);
	assert_int_equal(judged(t, &knob_rtsockets, KEY, "1"), KNOB_NA);
	assert_int_equal(h.fd, -1);
}

static void selectors_and_values(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(listed(t, &knob_rtsockets, "eth0", KEY), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_rtsockets, "", "so_timestamping"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_rtsockets, KEY, KEY, "1"), "1");
	assert_string_equal(parsed(t, &knob_rtsockets, KEY, KEY, "2"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_rtsockets, KEY, KEY, "yes"), ERR_INVALID_PROFILE);
	assert_explained(&knob_rtsockets, 1);
}

static void what_is_held_is_read_back(void **state)
{
	struct cputree *t = *state;
	struct holder h = { .key = KEY, .fd = -1 };
	const struct knob_holds holds = holder_of(&h);

	t->c.copied = false;
	t->c.holds = &holds;
	assert_string_equal(value_now(t, &knob_rtsockets, KEY), "0");
	assert_int_equal(judged(t, &knob_rtsockets, KEY, "1"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_rtsockets, KEY, "0"), ""); /* nothing to release */
	assert_int_equal(h.n_released, 0);

	assert_string_equal(written(t, &knob_rtsockets, KEY, "1"), "");
	assert_true(h.fd >= 0);
	assert_string_equal(value_now(t, &knob_rtsockets, KEY), "1");
	assert_int_equal(judged(t, &knob_rtsockets, KEY, "1"), KNOB_OK);
	assert_int_equal(judged(t, &knob_rtsockets, KEY, "0"), KNOB_DRIFT);

	assert_string_equal(written(t, &knob_rtsockets, KEY, "0"), "");
	assert_int_equal(h.fd, -1);
	assert_string_equal(value_now(t, &knob_rtsockets, KEY), "0");
	assert_int_equal(judged(t, &knob_rtsockets, KEY, "1"), KNOB_DRIFT);
	assert_true(t->verdict.reason[0] != '\0');
}

/* --- the kernel's switch, seen from outside ----------------------------------------------------------------------- */

/*
 * Does a packet to oneself arrive with a time stamp? The socket wants to be told of stamps (SOF_TIMESTAMPING_SOFTWARE)
 * without asking for them (RX_SOFTWARE), so it does not throw the switch itself. -1: no packet arrives at all.
 */
static int is_stamped(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), told = SOF_TIMESTAMPING_SOFTWARE;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(a);
	char data, control[256];
	struct iovec iov = { &data, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	                    .msg_controllen = sizeof(control) };
	int stamped = -1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &told, sizeof(told)) == 0 &&
	    bind(fd, (struct sockaddr *)&a, size) == 0 && getsockname(fd, (struct sockaddr *)&a, &size) == 0 &&
	    sendto(fd, "x", 1, 0, (struct sockaddr *)&a, size) == 1 &&
	    poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 1000) == 1 && recvmsg(fd, &m, 0) == 1)
		stamped = 0;
	for (struct cmsghdr *c = stamped == 0 ? CMSG_FIRSTHDR(&m) : NULL; c; c = CMSG_NXTHDR(&m, c)) {
		struct scm_timestamping stamps;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPING)
			continue;
		memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
		stamped = stamped || stamps.ts[0].tv_sec != 0;
	}
	mem_closep(&fd);
	return stamped;
}

/* The kernel throws its switch a little later, in a worker. */
static bool comes_to(int wanted)
{
	for (int i = 0; i < 200; i++) {
		if (is_stamped() == wanted)
			return true;
		usleep(10000);
	}
	return false;
}

static void packets_are_stamped_while_it_is_held(void **state)
{
	struct cputree *t = *state;
	struct holder h = { .key = KEY, .fd = -1 };
	const struct knob_holds holds = holder_of(&h);

	if (is_stamped() != 0) {
		print_message("no loopback here, or somebody else has the stamps switched on\n");
		skip();
	}
	t->c.copied = false;
	t->c.holds = &holds;
	assert_string_equal(written(t, &knob_rtsockets, KEY, "1"), "");
	bool on = comes_to(1);
	assert_string_equal(written(t, &knob_rtsockets, KEY, "0"), "");
	assert_true(on);
	assert_true(comes_to(0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_who_stays_can_hold),
		TEST(selectors_and_values),
		TEST(what_is_held_is_read_back),
		TEST(packets_are_stamped_while_it_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
