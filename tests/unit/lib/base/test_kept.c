/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of lib/base/kept: the set of open descriptors against a plain list, and who makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/kept.h"
#include "lib/base/mem.h"

#define N_PATHS 60

static int open_null(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static const char *numbered(unsigned i, char path[16])
{
	snprintf(path, 16, "/sys/%u", i);
	return path;
}

static struct kept_file *add(struct kept *k, unsigned i)
{
	char path[16];
	int fd = open_null();
	struct kept_file *f = kept_add_take(k, numbered(i, path), fd);

	if (f == NULL)
		close(fd);
	else
		assert_int_equal(f->fd, fd);
	return f;
}

static struct kept_file *find(struct kept *k, unsigned i)
{
	char path[16];

	return kept_find(k, numbered(i, path));
}

static void test_empty(void **state)
{
	CLEANUP(kept_done) struct kept k = { 0 };

	(void)state;
	assert_null(find(&k, 1));
	assert_false(kept_has_room(&k));
	assert_null(add(&k, 1));
	kept_drop(&k, "/sys/1");
	assert_int_equal(kept_init(&k, 0), 0);
	assert_false(kept_has_room(&k));
	assert_int_equal(kept_init(&k, 1), 0);
	assert_true(kept_has_room(&k));
	assert_null(find(&k, 1));
}

static void test_closes(void **state)
{
	CLEANUP(kept_done) struct kept k = { 0 };

	(void)state;
	assert_int_equal(kept_init(&k, 4), 0);
	int first = add(&k, 1)->fd, second = add(&k, 2)->fd;
	kept_drop(&k, "/sys/1");
	assert_false(is_open(first));
	assert_true(is_open(second));
	assert_null(find(&k, 1));
	assert_int_equal(find(&k, 2)->fd, second);
	assert_int_equal(kept_init(&k, 4), 0);
	assert_false(is_open(second));
	assert_null(find(&k, 2));
	first = add(&k, 1)->fd;
	kept_done(&k);
	assert_false(is_open(first));
}

/* Only those that nobody came back for make room, one after the other. */
static void test_room(void **state)
{
	CLEANUP(kept_done) struct kept k = { 0 };

	(void)state;
	assert_int_equal(kept_init(&k, 3), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(add(&k, i));
	assert_false(find(&k, 1) == NULL);
	assert_true(find(&k, 1)->used_again);
	for (unsigned i = 3; i < 9; i++)
		assert_non_null(add(&k, i));
	assert_int_equal(k.n, 3);
	assert_non_null(find(&k, 1));
	assert_null(find(&k, 0));
	assert_null(find(&k, 2));
	for (unsigned i = 3; i < 9; i++) /* the two that are there are used again by that */
		find(&k, i);
	assert_false(kept_has_room(&k));
	assert_null(add(&k, 9));
	kept_drop(&k, "/sys/1");
	assert_non_null(add(&k, 9));
}

/* Any order of adding, finding and dropping, against a list of what should be there. */
static void test_random(void **state)
{
	CLEANUP(kept_done) struct kept k = { 0 };
	int fds[N_PATHS], seed = (int)time(NULL);
	char path[16];

	(void)state;
	print_message("seed %d\n", seed);
	srand((unsigned)seed);
	memset(fds, -1, sizeof(fds));
	assert_int_equal(kept_init(&k, N_PATHS), 0);
	for (int round = 0; round < 20000; round++) {
		unsigned i = (unsigned)rand() % N_PATHS;
		struct kept_file *f = find(&k, i);
		assert_int_equal(f != NULL ? f->fd : -1, fds[i]);
		if (f == NULL) {
			fds[i] = add(&k, i)->fd;
		} else if (rand() % 2 == 0) {
			kept_drop(&k, numbered(i, path));
			assert_false(is_open(fds[i]));
			fds[i] = -1;
		}
	}
	for (unsigned i = 0; i < N_PATHS; i++) {
		const struct kept_file *f = find(&k, i);
		assert_int_equal(f != NULL ? f->fd : -1, fds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_closes),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
