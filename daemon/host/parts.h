/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of daemon/host share. Nobody else includes this, but for the tests that compare the two readings of
 * the nodes.
 */
#pragma once

#include "daemon/host/host.h"

#define HOST_CPU_DIR "/sys/devices/system/cpu"
#define HOST_NODE_DIR "/sys/devices/system/node"
#define HOST_PCI_DIR "/sys/bus/pci/devices"
#define HOST_PATH_MAX 160 /* the paths built here: a fixed part and a number, a PCI address or an interface name */

/* --- small files (host.c) ----------------------------------------------------------------------------------------- */

/* The whole text. A missing file is -ENOENT without *err filled, any other failure is raised. */
int host_text(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err);
/* A copy of the text, "" where there is no such file. */
int host_text_dup(struct fsio *fs, const char *path, char **ret, struct hft_err *err);
/* A list of CPUs or nodes; -ENOENT as above, ERR_IO when it is none. */
int host_list(struct fsio *fs, const char *path, struct cpuset *ret, struct hft_err *err);
/* A decimal number; `missing` where there is no such file. */
int host_int(struct fsio *fs, const char *path, int missing, int *ret, struct hft_err *err);
/* The last component of a symbolic link, "" where there is none. */
int host_link(struct fsio *fs, const char *path, struct strbuf *ret, struct hft_err *err);
/* Is it domain:bus:device.function? The end of it in *ret_end (NULL: it must be all of the text). */
bool host_is_pci_address(const char *text, const char **ret_end);

/* --- the parts ---------------------------------------------------------------------------------------------------- */

struct host_cpu *host_cpu(struct host *h, int cpu); /* NULL when not present */

int host_cpus_read(struct host *h, struct hft_err *err);    /* lists, siblings, packages (cpus.c) */
int host_cpus_details(struct host *h, struct hft_err *err); /* cpuinfo, cores, L3 */

int host_nodes_read(struct host *h, struct hft_err *err); /* libnuma on the live host, else files (nodes.c) */
int host_nodes_details(struct host *h, struct hft_err *err);
int host_nodes_from_files(struct host *h, struct hft_err *err);
/* -ENOSYS without *err filled: the kernel has no NUMA, or libnuma cannot say. */
int host_nodes_from_libnuma(struct host *h, struct hft_err *err);
void host_nodes_done(struct host *h);

void host_nics_done(struct host *h);
void host_irqs_done(struct host *h);
