/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What no file of a copied tree can show: mounts and swap.
 */
#include <mntent.h>
#include <stdio.h>

#include "tests/tools/hostdump.h"

void dump_mounts(struct dump *d)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m;

	while (f && (m = getmntent(f)))
		emit(d, "mount:", m->mnt_dir, "%s %s %s", m->mnt_type, m->mnt_fsname, m->mnt_opts);
	if (f)
		endmntent(f);
}

void dump_swaps(struct dump *d)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[4096], name[2048], type[64];
	int priority;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%2047s %63s %*s %*s %d", name, type, &priority) == 3)
			emit(d, "swap:", name, "%s priority %d", type, priority);
	if (f)
		fclose(f);
}
