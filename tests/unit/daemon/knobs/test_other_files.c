/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of daemon/knobs/other_files.c: what of other programs' files sets what knobs set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "daemon/knobs/other_files.h"
#include "tests/unit/daemon/knobs/cputree.h"

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

/* All lines, "KNOB KEY = VALUE @ WHERE; ...". */
static const char *found(struct cputree *t)
{
	struct other_lines lines = { 0 };

	strbuf_reset(&t->b);
	assert_int_equal(other_files_read(&t->c, &lines, &t->err), 0);
	for (size_t i = 0; i < lines.n; i++)
		strbuf_addf(&t->b, "%s%s %s = %s @ %s", i > 0 ? "; " : "", lines.l[i].knob->name, lines.l[i].key,
		            lines.l[i].value, lines.l[i].where);
	other_lines_done(&lines);
	return strbuf_str(&t->b);
}

static void link_to(const struct cputree *t, const char *path, const char *target)
{
	char full[256];

	put(t, path, "");
	take_away(t, path);
	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

static void nothing_is_nothing(void **state)
{
	assert_string_equal(found(*state), "");
}

static void sysctl_lines(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/sysctl.d/50-a.conf",
	    "# vm.overcommit_memory = 1\n; x = 1\n\n  -vm.swappiness =  10 \nnet/ipv4/conf/eth0.100/rp_filter=2\nnonsense\n"
	    "net.ipv4.conf.*.rp_filter = 1");
	assert_string_equal(found(t), "sysctl vm.swappiness = 10 @ /etc/sysctl.d/50-a.conf:4; "
	                              "sysctl net.ipv4.conf.eth0/100.rp_filter = 2 @ /etc/sysctl.d/50-a.conf:5; "
	                              "sysctl net.ipv4.conf.*.rp_filter = 1 @ /etc/sysctl.d/50-a.conf:7");
}

/* sysctl.d(5): by the name of the file, whatever the directory; /etc masks /run masks /usr. */
static void the_last_line_counts(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/sysctl.d/10-a.conf", "vm.swappiness = 1");
	put(t, "/usr/lib/sysctl.d/90-b.conf", "vm.swappiness = 2");
	assert_string_equal(found(t), "sysctl vm.swappiness = 2 @ /usr/lib/sysctl.d/90-b.conf:1");
	put(t, "/run/sysctl.d/90-b.conf", "vm.swappiness = 3");
	assert_string_equal(found(t), "sysctl vm.swappiness = 3 @ /run/sysctl.d/90-b.conf:1");
	link_to(t, "/etc/sysctl.d/90-b.conf", "/dev/null");
	assert_string_equal(found(t), "sysctl vm.swappiness = 1 @ /etc/sysctl.d/10-a.conf:1");
	put(t, "/etc/sysctl.conf", "vm.swappiness = 4");
	assert_string_equal(found(t), "sysctl vm.swappiness = 1 @ /etc/sysctl.d/10-a.conf:1");
	link_to(t, "/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
	assert_string_equal(found(t), "sysctl vm.swappiness = 4 @ /etc/sysctl.conf:1");
	put(t, "/etc/sysctl.d/99-z.txt", "vm.swappiness = 5");
	assert_string_equal(found(t), "sysctl vm.swappiness = 4 @ /etc/sysctl.conf:1");
}

static void udev_rules(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/udev/rules.d/60-x.rules",
	    "# ATTR{queue/scheduler}=\"none\"\n"
	    "ACTION==\"add\", KERNEL==\"sd*\", ATTR{queue/rotational}==\"0\", ATTR{queue/scheduler}=\"none\", "
	    "ATTR{queue/nomerges}=\"2\"\n"
	    "SUBSYSTEM==\"net\", ATTR{queues/rx-0/rps_cpus}=\"f\", ATTR{gro_flush_timeout}=\"20000\", ATTR{ifalias}=\"x\"\n"
	    "SUBSYSTEM==\"pci\", ATTR{power/control}=\"on\", SYSCTL{vm/swappiness}=\"10\", ATTR{queue/x}=\"");
	assert_string_equal(found(t), "block * scheduler = none @ /etc/udev/rules.d/60-x.rules:2; "
	                              "block * nomerges = 2 @ /etc/udev/rules.d/60-x.rules:2; "
	                              "nic * rps_cpus* = f @ /etc/udev/rules.d/60-x.rules:3; "
	                              "nic * gro_flush_timeout = 20000 @ /etc/udev/rules.d/60-x.rules:3; "
	                              "sysfs * power.control = on @ /etc/udev/rules.d/60-x.rules:4; "
	                              "sysctl vm.swappiness = 10 @ /etc/udev/rules.d/60-x.rules:4");
}

static void connections(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/NetworkManager/system-connections/a.nmconnection",
	    "[connection]\nid=a\nring-rx=1\n[ethtool]\nring-rx=4096\ncoalesce-rx-usecs=0\nfeature-gro=false\n"
	    "feature-rx-gro-hw=false\n[ipv4]\nmethod=auto");
#define FILE_A "/etc/NetworkManager/system-connections/a.nmconnection"
	assert_string_equal(found(t), "nic * rings.rx = 4096 @ " FILE_A ":5; nic * coalesce.rx-usecs = 0 @ " FILE_A ":6; "
	                              "nic * feature.rx-gro = false @ " FILE_A
	                              ":7; nic * feature.rx-gro-hw = false @ " FILE_A ":8");
}

static void cloud(void **state)
{
	struct cputree *t = *state;

	put(t, "/etc/cloud/cloud.cfg.d/90-x.cfg",
	    "runcmd:\n - [ sysctl, -w, \"vm.swappiness=1\" ]\n# - sysctl kernel.x=1\n - sysctl -w net.core.somaxconn=9\n"
	    "manage_etc_hosts: true");
	assert_string_equal(found(t), "sysctl vm.swappiness = 1 @ /etc/cloud/cloud.cfg.d/90-x.cfg:2; "
	                              "sysctl net.core.somaxconn = 9 @ /etc/cloud/cloud.cfg.d/90-x.cfg:4");
}

static bool sets(const char *key, const char *value, const char *object)
{
	struct other_line l = { .knob = knob_find("sysctl"), .key = (char *)(uintptr_t)key,
		                .value = (char *)(uintptr_t)value };

	assert_false(other_line_sets(&l, knob_find("vm"), object));
	return other_line_sets(&l, knob_find("sysctl"), object);
}

static void lines_set_objects(void **state)
{
	(void)state;
	assert_true(sets("vm.swappiness", "1", "vm.swappiness"));
	assert_false(sets("vm.swappiness", "1", "vm.swappiness2"));
	assert_true(sets("net.ipv4.conf.*.rp_filter", "1", "net.ipv4.conf.eth0.rp_filter"));
	assert_true(sets("vm.dirty_ratio", "1", "vm.dirty_ratio|vm.dirty_bytes"));
	assert_true(sets("vm.dirty_bytes", "1", "vm.dirty_ratio|vm.dirty_bytes"));
	assert_false(sets("vm.dirty_bytes", "0", "vm.dirty_ratio|vm.dirty_bytes"));
	assert_false(sets("vm.dirty", "1", "vm.dirty_ratio|vm.dirty_bytes"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_nothing), TEST(sysctl_lines), TEST(the_last_line_counts),         TEST(udev_rules),
		TEST(connections),        TEST(cloud),        cmocka_unit_test(lines_set_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
