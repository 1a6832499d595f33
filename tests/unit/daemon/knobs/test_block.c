/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/knob_block.c and block_device.c: disks of every kind, by whatever name they have today. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

extern const struct knob knob_block;

#define PCI "/sys/devices/pci0000:00/"
#define VDA PCI "0000:00:02.0/virtio1/block/vda/"
#define NVME PCI "0000:00:1d.0/0000:3d:00.0/nvme/nvme0/nvme0n1/"
#define NVME2 PCI "0000:00:1d.0/0000:3d:00.0/nvme/nvme0/nvme0n2/"
#define SDA PCI "0000:00:17.0/ata3/host2/target2:0:0/2:0:0:0/block/sda/"
#define SDB PCI "0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb/"
#define SDC PCI "0000:00:05.0/virtio2/host3/target3:0:1/3:0:1:4/block/sdc/"
#define LOOP0 "/sys/devices/virtual/block/loop0/"
#define DM0 "/sys/devices/virtual/block/dm-0/"

#define IN_VDA "pci-0000:00:02.0"
#define IN_NVME "pci-0000:3d:00.0-nvme-1"
#define IN_NVME2 "pci-0000:3d:00.0-nvme-2"
#define IN_SDA "pci-0000:00:17.0-ata-1-scsi-0:0:0"
#define IN_SDC "pci-0000:00:05.0-scsi-0:1:4"

#define DEADLINE "mq-deadline fifo_batch=1 read_expire=100"

static void put_link(struct cputree *t, const char *path, const char *target)
{
	char full[256];

	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

static void put_disk(struct cputree *t, const char *dir, const char *name, const char *scheduler)
{
	static const struct {
		const char *file, *text;
	} files[] = {
		{ "nomerges", "0" }, { "nr_requests", "256" }, { "read_ahead_kb", "128" }, { "max_sectors_kb", "1280" },
		{ "max_hw_sectors_kb", "2048" }, { "write_cache", "write back" }, { "io_poll", "0" },
		{ "io_poll_delay", "-1" }, { "wbt_lat_usec", "2000" }, { "rq_affinity", "1" },
	};
	char path[160], target[160];

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%squeue/%s", dir, files[i].file);
		put(t, path, files[i].text);
	}
	snprintf(path, sizeof(path), "%squeue/scheduler", dir);
	put(t, path, scheduler);
	snprintf(path, sizeof(path), "/sys/block/%s", name);
	/* "/sys/devices/.../vda/" as seen from /sys/block */
	snprintf(target, sizeof(target), "..%.*s", (int)strlen(dir) - 5, dir + 4);
	put_link(t, path, target);
}

static int setup(void **state)
{
	struct cputree *t = cputree_new();

	put(t, "/sys/block/x", "");
	take_away(t, "/sys/block/x");
	put_disk(t, VDA, "vda", "none [mq-deadline] kyber ");
	put(t, VDA "queue/iosched/fifo_batch", "1");
	put(t, VDA "queue/iosched/read_expire", "100");
	put_link(t, VDA "device", "../../../virtio1");
	put(t, "/sys/bus/virtio/drivers/virtio_blk/uevent", "");
	put_link(t, PCI "0000:00:02.0/virtio1/driver", "../../../../bus/virtio/drivers/virtio_blk");
	put_disk(t, NVME, "nvme0n1", "[none] mq-deadline ");
	put(t, NVME "nsid", "1");
	put_link(t, NVME "device", "../../nvme0");
	put_disk(t, NVME2, "nvme0n2", "[none] mq-deadline ");
	put(t, NVME2 "nsid", "2");
	put_link(t, NVME2 "device", "../../nvme0");
	put_link(t, PCI "0000:00:1d.0/0000:3d:00.0/nvme/nvme0/device", "../../../0000:3d:00.0");
	put(t, "/sys/bus/pci/drivers/nvme/uevent", "");
	put_link(t, PCI "0000:00:1d.0/0000:3d:00.0/driver", "../../../../bus/pci/drivers/nvme");
	put_disk(t, SDA, "sda", "none [mq-deadline] ");
	put(t, "/sys/class/ata_port/ata3/port_no", "1");
	put_disk(t, SDB, "sdb", "none [mq-deadline] ");
	put_disk(t, SDC, "sdc", "none [mq-deadline] ");
	put_disk(t, LOOP0, "loop0", "[none] mq-deadline ");
	put_disk(t, DM0, "dm-0", "none");
	cputree_read(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	cputree_free(*state);
	return 0;
}

static const char *lists(void **state, const char *selector, const char *option)
{
	return listed(*state, &knob_block, selector, option);
}

static void rows_ascend(void **state)
{
	struct knob_doc d, before = { .option = "" };

	(void)state;
	for (size_t i = 0; knob_block.explain(i, &d) == 0; i++) {
		if (strcmp(before.option, d.option) >= 0)
			fail_msg("%s stands before %s", before.option, d.option);
		before = d;
	}
}

static void disks_are_known_by_address(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "vda", "nomerges"), IN_VDA " nomerges");
	assert_string_equal(t->objects.o[0].label, "vda");
	assert_string_equal(lists(state, "nvme0n2", "nomerges"), IN_NVME2 " nomerges");
	assert_string_equal(lists(state, "sda", "nomerges"), IN_SDA " nomerges");
	assert_string_equal(lists(state, "sdc", "nomerges"), IN_SDC " nomerges");
	assert_string_equal(lists(state, "sdb", "nomerges"), "sdb nomerges"); /* where it is plugged in today */
	assert_null(t->objects.o[0].label);
	assert_string_equal(lists(state, "loop0", "nomerges"), "loop0 nomerges");
	assert_string_equal(lists(state, IN_NVME, "nomerges"), IN_NVME " nomerges");
}

static void selectors(void **state)
{
	assert_string_equal(lists(state, "driver:virtio_blk", "nomerges"), IN_VDA " nomerges");
	assert_string_equal(lists(state, "driver:nvme", "nomerges"), IN_NVME " nomerges|" IN_NVME2 " nomerges");
	assert_string_equal(lists(state, "driver:nv*", "nomerges"), IN_NVME " nomerges|" IN_NVME2 " nomerges");
	assert_string_equal(lists(state, "driver:megaraid_sas", "nomerges"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "nvme*", "nomerges"), IN_NVME " nomerges|" IN_NVME2 " nomerges");
	assert_string_equal(lists(state, "pci-0000:3d:00.0-*2", "nomerges"), IN_NVME2 " nomerges");
	assert_string_equal(lists(state, "sd[ab]", "nomerges"), IN_SDA " nomerges|sdb nomerges");
	assert_string_equal(lists(state, "loop*", "nomerges"), "");
	assert_null(strstr(lists(state, "*", "nomerges"), "loop0"));
	assert_string_equal(lists(state, "vda1", "nomerges"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "../vda", "nomerges"), ERR_NO_MATCH);
	assert_string_equal(lists(state, "", "nomerges"), ERR_INVALID_PROFILE);
}

/* At the next boot the names and numbers of hosts are others, and the values stay with the disk. */
static void a_disk_keeps_its_settings_when_its_name_moves(void **state)
{
	struct cputree *t = *state;
	char full[256];

	assert_string_equal(written(t, &knob_block, IN_SDA " nomerges", "2"), "");
	assert_holds(t, SDA "queue/nomerges", "2");
	take_away(t, "/sys/block/sda");
	take_away(t, "/sys/block/sdb");
	assert_int_equal(unlink(cputree_real(t, "/sys/class/ata_port/ata3/port_no", full)), 0);
	put(t, "/sys/class/ata_port/ata7/port_no", "1");
	put_disk(t, PCI "0000:00:17.0/ata7/host8/target8:0:0/8:0:0:0/block/sdb/", "sdb", "none [mq-deadline] ");
	put_disk(t, PCI "0000:00:14.0/usb2/2-1/2-1:1.0/host1/target1:0:0/1:0:0:0/block/sda/", "sda", "[none] ");
	assert_string_equal(lists(state, "sdb", "nomerges"), IN_SDA " nomerges");
	assert_string_equal(value_now(t, &knob_block, IN_SDA " nomerges"), "0");
	assert_string_equal(written(t, &knob_block, IN_SDA " nomerges", "1"), "");
	assert_holds(t, PCI "0000:00:17.0/ata7/host8/target8:0:0/8:0:0:0/block/sdb/queue/nomerges", "1");
}

static void what_a_disk_lacks(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(lists(state, "dm-0", "scheduler"), "dm-0 scheduler(na)");
	assert_string_equal(value_now(t, &knob_block, "dm-0 scheduler"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_block, "dm-0 iosched"), ERR_NOT_APPLICABLE);
	take_away(t, SDA "queue/wbt_lat_usec");
	assert_string_equal(lists(state, "sda", "wbt_lat_usec"), IN_SDA " wbt_lat_usec(na)");
	assert_string_equal(value_now(t, &knob_block, "vdb nomerges"), ERR_NOT_APPLICABLE);
	assert_string_equal(value_now(t, &knob_block, IN_VDA " rotational"), ERR_NOT_APPLICABLE);
	assert_string_equal(written(t, &knob_block, "pci-0000:99:00.0 nomerges", "2"), ERR_NOT_APPLICABLE);
	assert_string_equal(lists(state, "vda", "rotational"), ERR_INVALID_PROFILE);
	assert_string_equal(lists(state, "vda", "iosched"), ERR_INVALID_PROFILE);
}

/* Until Linux 6.2 the file says EINVAL where writes are not held back; in a FAULT build that of sdc does. */
static void a_file_can_refuse_to_be_read(void **state)
{
#ifdef HFT_FAULT
	assert_string_equal(lists(state, "sdc", "wbt_lat_usec"), IN_SDC " wbt_lat_usec(na)");
	assert_string_equal(value_now(*state, &knob_block, IN_SDC " wbt_lat_usec"), ERR_NOT_APPLICABLE);
#else
	print_message("not a FAULT build: no refusal is made; build with FAULT=1\n");
	assert_string_equal(lists(state, "sdc", "wbt_lat_usec"), IN_SDC " wbt_lat_usec");
#endif
}

/* Later kernels take polling and forget it. */
static void what_a_kernel_ignores(void **state)
{
	static const struct {
		const char *release, *poll, *delay;
	} kernels[] = {
		{ "5.10.0-30-amd64", IN_VDA " io_poll", IN_VDA " io_poll_delay" },
		{ "6.1.0-56-amd64", IN_VDA " io_poll(na)", IN_VDA " io_poll_delay" },
		{ "6.12.3", IN_VDA " io_poll(na)", IN_VDA " io_poll_delay(na)" },
	};
	struct cputree *t = *state;

	for (size_t i = 0; i < ARRAY_LEN(kernels); i++) {
		put(t, "/proc/sys/kernel/osrelease", kernels[i].release);
		cputree_read(t);
		assert_string_equal(lists(state, "vda", "io_poll"), kernels[i].poll);
		assert_string_equal(lists(state, "vda", "io_poll_delay"), kernels[i].delay);
	}
}

static void values_have_bounds(void **state)
{
	static const struct {
		const char *option, *value, *result;
	} cases[] = {
		{ "nomerges", "2", "2" },
		{ "nomerges", "3", ERR_OUT_OF_BOUNDS },
		{ "rq_affinity", "3", ERR_OUT_OF_BOUNDS },
		{ "nr_requests", "3", ERR_OUT_OF_BOUNDS },
		{ "read_ahead_kb", "0", "0" },
		{ "read_ahead_kb", "130", ERR_OUT_OF_BOUNDS },
		{ "max_sectors_kb", "2048", "2048" },
		{ "max_sectors_kb", "2052", ERR_OUT_OF_BOUNDS }, /* the disk's own bound */
		{ "max_sectors_kb", "0", ERR_OUT_OF_BOUNDS },
		{ "wbt_lat_usec", "-1", ERR_OUT_OF_BOUNDS }, /* the default, which reads back as a number */
		{ "write_cache", "write through", "write through" },
		{ "write_cache", "write", ERR_INVALID_PROFILE },
		{ "write_cache", "none", ERR_INVALID_PROFILE },
		{ "scheduler", "kyber", "kyber" },
		{ "scheduler", "bfq", ERR_OUT_OF_BOUNDS }, /* not offered: it would be loaded */
		{ "scheduler", "noop", ERR_INVALID_PROFILE },
	};
	char key[64];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(key, sizeof(key), IN_VDA " %s", cases[i].option);
		assert_string_equal(parsed(*state, &knob_block, key, cases[i].option, cases[i].value), cases[i].result);
	}
}

static void each_file_keeps_its_form(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(value_now(t, &knob_block, IN_VDA " write_cache"), "write back");
	assert_string_equal(written(t, &knob_block, IN_VDA " write_cache", "write through"), "");
	assert_holds(t, VDA "queue/write_cache", "write through");
	assert_string_equal(value_now(t, &knob_block, IN_VDA " scheduler"), "mq-deadline");
	assert_string_equal(written(t, &knob_block, IN_VDA " scheduler", "none"), "");
	assert_holds(t, VDA "queue/scheduler", "[none] mq-deadline kyber ");
	assert_int_equal(judged(t, &knob_block, IN_VDA " scheduler", "none"), KNOB_OK);
}

static int collect(void *data, const char *knob, const char *key, struct hft_err *err)
{
	(void)err;
	strbuf_addf(data, "%s:%s;", knob, key);
	return 0;
}

static const char *coupled(struct cputree *t, const char *key)
{
	strbuf_reset(&t->b);
	assert_int_equal(knob_block.coupled(&t->c, key, collect, &t->b, &t->err), 0);
	return strbuf_str(&t->b);
}

static void what_a_write_changes_too(void **state)
{
	struct cputree *t = *state;

	assert_string_equal(coupled(t, IN_NVME " scheduler"), "block:" IN_NVME " nr_requests;block:" IN_NVME
	                                                      " wbt_lat_usec;block:" IN_NVME " iosched;");
	assert_string_equal(coupled(t, IN_NVME " max_sectors_kb"), "block:" IN_NVME " read_ahead_kb;");
	assert_string_equal(coupled(t, IN_NVME " nomerges"), "");
	assert_string_equal(coupled(t, IN_NVME " iosched"), "");
	/* Asked at any time, also when the disk is gone: what is kept for it must not change its name then. */
	assert_string_equal(coupled(t, "sdz max_sectors_kb"), "block:sdz read_ahead_kb;");
}

static void a_scheduler_comes_back_as_it_was(void **state)
{
	struct cputree *t = *state;
	const char *key = IN_VDA " iosched";

	assert_string_equal(value_now(t, &knob_block, key), DEADLINE);
	assert_string_equal(value_now(t, &knob_block, IN_NVME " iosched"), "none");
	assert_string_equal(written(t, &knob_block, IN_VDA " scheduler", "none"), "");
	assert_string_equal(value_now(t, &knob_block, key), "none");
	/* Not before its scheduler: EINVAL, which the engine tries again when the scheduler has been written. */
	assert_int_equal(knob_block.write(&t->c, key, DEADLINE, &t->err), -EINVAL);
	assert_string_equal(t->err.code, ERR_WRITE_FAILED);
	assert_string_equal(written(t, &knob_block, key, "none"), "");
	assert_string_equal(written(t, &knob_block, IN_VDA " scheduler", "mq-deadline"), "");
	put(t, VDA "queue/iosched/fifo_batch", "16"); /* as the kernel makes them */
	put(t, VDA "queue/iosched/read_expire", "500");
	assert_int_equal(judged(t, &knob_block, key, DEADLINE), KNOB_DRIFT);
	assert_string_equal(written(t, &knob_block, key, DEADLINE), "");
	assert_holds(t, VDA "queue/iosched/fifo_batch", "1");
	assert_holds(t, VDA "queue/iosched/read_expire", "100");
	assert_int_equal(judged(t, &knob_block, key, DEADLINE), KNOB_OK);
	assert_string_equal(written(t, &knob_block, key, "mq-deadline ../nomerges=2"), ERR_WRITE_FAILED);
	assert_holds(t, VDA "queue/nomerges", "0");
}

static void the_scheduler_is_written_first(void **state)
{
	(void)state;
	assert_true(knob_block.order(IN_VDA " scheduler") < knob_block.order(IN_VDA " nr_requests"));
	assert_true(knob_block.order(IN_VDA " max_sectors_kb") < knob_block.order(IN_VDA " read_ahead_kb"));
	assert_true(knob_block.order(IN_VDA " scheduler") < knob_block.order(IN_VDA " iosched"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_ascend),
		TEST(disks_are_known_by_address),
		TEST(selectors),
		TEST(a_disk_keeps_its_settings_when_its_name_moves),
		TEST(what_a_disk_lacks),
		TEST(a_file_can_refuse_to_be_read),
		TEST(what_a_kernel_ignores),
		TEST(values_have_bounds),
		TEST(each_file_keeps_its_form),
		TEST(what_a_write_changes_too),
		TEST(a_scheduler_comes_back_as_it_was),
		TEST(the_scheduler_is_written_first),
	};

	setenv("HFT_FAULT", "read@/sys/block/sdc/queue/wbt_lat_usec:*:EINVAL", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
