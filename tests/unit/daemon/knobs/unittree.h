/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Units, programs and a process in a copied tree, for the tests of what writes drop-ins. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>

#include "tests/unit/daemon/knobs/cputree.h"

#define UNUSED __attribute__((unused))
#define ETC "/etc/systemd/system/"
#define USR "/usr/lib/systemd/system/"
#define REDIS "redis-server.service"
#define OURS ETC REDIS ".d/50-hfttune.conf"
#define PROC "/proc/100/"

/* As Debian has it: the program is a link, the allocator a library of its own. */
static const char redis_unit[] = "[Unit]\nDescription=x\n\n[Service]\nType=notify\n"
				 "ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd\n"
				 "RestrictRealtime=true\nSystemCallFilter=@system-service\n"
				 "SystemCallFilter=~ @privileged @resources\n";

static void put_bytes(const struct cputree *t, const char *path, const void *bytes, size_t size)
{
	char full[256];

	put(t, path, "");
	FILE *f = fopen(cputree_real(t, path, full), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

UNUSED static void link_to(const struct cputree *t, const char *target, const char *path)
{
	char full[256];

	put(t, path, "");
	take_away(t, path);
	assert_int_equal(symlink(target, cputree_real(t, path, full)), 0);
}

UNUSED static bool is_there(const struct cputree *t, const char *path)
{
	char full[256];

	return access(cputree_real(t, path, full), F_OK) == 0;
}

/* The whole content. */
UNUSED static const char *content(const struct cputree *t, const char *path)
{
	static char text[8192];
	char full[256];
	FILE *f = fopen(cputree_real(t, path, full), "r");

	if (f == NULL)
		return "(none)";
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static int unittree_setup(void **state)
{
	static const char program[] = "\177ELF\0libc.so.6\0libjemalloc.so.2\0malloc_conf and MALLOC_CONF\0";
	static const char library[] = "\177ELF\0opt.narenas\0opt.thp\0opt.background_thread\0opt.metadata_thp\0"
				      "opt.percpu_arena\0opt.dirty_decay_ms\0/etc/malloc.conf\0MALLOC_CONF\0<jemalloc>";
	struct cputree *t = cputree_new();

	put(t, USR REDIS, redis_unit);
	put(t, USR "getty@.service", "[Service]\nExecStart=-/sbin/agetty -o x");
	link_to(t, "/lib/systemd/system/" REDIS, ETC "redis.service");
	link_to(t, "usr/lib", "/lib");
	link_to(t, "/dev/null", ETC "masked.service");
	put(t, "/dev/null", "");
	put_bytes(t, "/usr/bin/redis-check-rdb", program, sizeof(program));
	link_to(t, "redis-check-rdb", "/usr/bin/redis-server");
	put_bytes(t, "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", library, sizeof(library));
	put(t, "/sys/devices/system/node/online", "0-1");
	put(t, "/sys/devices/system/node/node0/cpulist", "0-1");
	put(t, "/sys/devices/system/node/node1/cpulist", "2-3");
	put(t, "/sys/devices/system/node/node0/distance", "10 20");
	put(t, "/sys/devices/system/node/node1/distance", "20 10");
	put(t, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
	cputree_read(t);
	*state = t;
	return 0;
}

static int unittree_teardown(void **state)
{
	cputree_free(*state);
	return 0;
}
