/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_pmqos: the two spellings of zero, and who holds the descriptor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "tests/unit/daemon/knobs/holder.h"

extern const struct knob knob_pmqos;

#define FILE_OF(cpu) "/sys/devices/system/cpu/cpu" cpu "/power/pm_qos_resume_latency_us"
#define CPU2 "cpu2 resume_latency_us"
#define DMA "cpu_dma_latency"
#define DEVICE "/dev/cpu_dma_latency"

static void put_limit(const struct cputree *t, int32_t us)
{
	char full[256];
	int fd = open(cputree_real(t, DEVICE, full), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, &us, sizeof(us)), sizeof(us));
	close(fd);
}

static int make_tree(void **state)
{
	struct cputree *t = cputree_new();

	put(t, FILE_OF("0"), "0");
	put(t, FILE_OF("1"), "0");
	put(t, FILE_OF("2"), "0");
	put(t, DEVICE, "");
	put_limit(t, 2000000000);
	cputree_read(t);
	*state = t;
	return 0;
}

static int remove_tree(void **state)
{
	cputree_free(*state);
	return 0;
}

static void test_list_per_cpu(void **state)
{
	struct cputree *t = *state;
	const char *option = "resume_latency_us";

	assert_string_equal(listed(t, &knob_pmqos, "1-2", option), "cpu1 resume_latency_us|" CPU2);
	assert_string_equal(listed(t, &knob_pmqos, "3", option), "cpu3 resume_latency_us(na)");
	assert_string_equal(listed(t, &knob_pmqos, "*", option),
	                    "cpu0 resume_latency_us|cpu1 resume_latency_us|" CPU2 "|cpu3 resume_latency_us(na)");
	assert_string_equal(listed(t, &knob_pmqos, "2,9", option), ERR_NO_MATCH);
	assert_string_equal(listed(t, &knob_pmqos, "two", option), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_pmqos, "2", "latency"), ERR_INVALID_PROFILE);
	assert_string_equal(t->err.subject, "latency");
}

static void test_list_host_needs_somebody_to_hold(void **state)
{
	struct cputree *t = *state;
	const struct knob_holds holds = {.value = holder_value};

	assert_string_equal(listed(t, &knob_pmqos, "2", "cpu_dma_latency_us"), ERR_INVALID_PROFILE);
	assert_string_equal(listed(t, &knob_pmqos, "", "cpu_dma_latency_us"), DMA "(na)");
	t->c.copied = false;
	assert_string_equal(listed(t, &knob_pmqos, "", "cpu_dma_latency_us"), DMA "(na)");
	assert_string_equal(value_now(t, &knob_pmqos, DMA), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_pmqos, DMA, "1"), ERR_NOT_APPLICABLE);
	assert_int_equal(judged(t, &knob_pmqos, DMA, "1"), KNOB_NA);
	t->c.holds = &holds;
	assert_string_equal(listed(t, &knob_pmqos, "", "cpu_dma_latency_us"), DMA);
	take_away(t, DEVICE);
	assert_string_equal(listed(t, &knob_pmqos, "", "cpu_dma_latency_us"), DMA "(na)");
}

static void test_parse(void **state)
{
	struct cputree *t = *state;
	const char *option = "resume_latency_us";

	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "0"), "0");
	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "none"), "none");
	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "2147483646"), "2147483646");
	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "2147483647"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "-1"), ERR_OUT_OF_BOUNDS);
	assert_string_equal(t->err.subject, option);
	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "n/a"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_pmqos, CPU2, option, "1us"), ERR_INVALID_PROFILE);
	assert_string_equal(parsed(t, &knob_pmqos, DMA, "cpu_dma_latency_us", "1999999999"), "1999999999");
	assert_string_equal(parsed(t, &knob_pmqos, DMA, "cpu_dma_latency_us", "2000000000"), ERR_OUT_OF_BOUNDS);
}

/* In the file 0 is no limit, and n/a is zero. */
static void test_zero_has_two_spellings(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_pmqos, CPU2), "none");
	assert_string_equal(written(t, &knob_pmqos, CPU2, "0"), "");
	assert_holds(t, FILE_OF("2"), "n/a");
	assert_string_equal(value_now(t, &knob_pmqos, CPU2), "0");
	assert_int_equal(judged(t, &knob_pmqos, CPU2, "0"), KNOB_OK);
	assert_int_equal(judged(t, &knob_pmqos, CPU2, "none"), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_pmqos, CPU2, "20"), "");
	assert_holds(t, FILE_OF("2"), "20");
	assert_string_equal(value_now(t, &knob_pmqos, CPU2), "20");
	assert_string_equal(written(t, &knob_pmqos, CPU2, "none"), "");
	assert_holds(t, FILE_OF("2"), "0");
}

static void test_a_cpu_that_is_gone(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_pmqos, "cpu3 resume_latency_us"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_pmqos, "cpu3 resume_latency_us", "1"), ERR_NOT_APPLICABLE);
	assert_int_equal(judged(t, &knob_pmqos, "cpu3 resume_latency_us", "1"), KNOB_NA);
	assert_string_equal(value_now(t, &knob_pmqos, "cpu2 nonsense"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_pmqos, "cpu resume_latency_us"), ERR_NOT_APPLICABLE);
}

static void test_the_device_is_held(void **state)
{
	struct cputree *t = *state;
	struct holder h = {.key = DMA, .fd = -1};
	const struct knob_holds holds = holder_of(&h);
	int32_t us = -1;

	t->c.copied = false;
	t->c.holds = &holds;
	assert_string_equal(value_now(t, &knob_pmqos, DMA), "none");
	assert_int_equal(judged(t, &knob_pmqos, DMA, "none"), KNOB_OK);
	assert_int_equal(judged(t, &knob_pmqos, DMA, "5"), KNOB_DRIFT);

	assert_string_equal(written(t, &knob_pmqos, DMA, "5"), "");
	assert_true(h.fd >= 0);
	assert_int_equal(fsio_read_bytes(t->fs, DEVICE, &us, sizeof(us), NULL), 0);
	assert_int_equal(us, 5); /* four bytes, not text */
	assert_string_equal(value_now(t, &knob_pmqos, DMA), "5");
	assert_int_equal(judged(t, &knob_pmqos, DMA, "5"), KNOB_OK);
	put_limit(t, 2); /* somebody else wants less */
	assert_int_equal(judged(t, &knob_pmqos, DMA, "5"), KNOB_OK);
	put_limit(t, 6); /* held, they say, and the kernel does not know of it */
	assert_int_equal(judged(t, &knob_pmqos, DMA, "5"), KNOB_DRIFT);

	assert_string_equal(written(t, &knob_pmqos, DMA, "none"), "");
	assert_int_equal(h.fd, -1);
	assert_string_equal(value_now(t, &knob_pmqos, DMA), "none");
	assert_int_equal(judged(t, &knob_pmqos, DMA, "5"), KNOB_DRIFT);
	assert_string_equal(strbuf_str(&t->verdict.found), "none");
	assert_string_equal(written(t, &knob_pmqos, DMA, "none"), ""); /* nothing to release */
	assert_int_equal(h.n_released, 1);
}

static void test_a_machine_without_the_device(void **state)
{
	struct cputree *t = *state;
	struct holder h = {.key = DMA, .fd = -1};
	const struct knob_holds holds = holder_of(&h);

	t->c.copied = false;
	t->c.holds = &holds;
	take_away(t, DEVICE);
	assert_string_equal(written(t, &knob_pmqos, DMA, "5"), ERR_NOT_APPLICABLE);
	assert_int_equal(h.fd, -1);
}

static void test_explain(void **state)
{
	(void)state;
	assert_explained(&knob_pmqos, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_per_cpu),
		TEST(test_list_host_needs_somebody_to_hold),
		TEST(test_parse),
		TEST(test_zero_has_two_spellings),
		TEST(test_a_cpu_that_is_gone),
		TEST(test_the_device_is_held),
		TEST(test_a_machine_without_the_device),
		TEST(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
