/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel parameters, and the boot loaders that hand them to the kernel. For the files of knob boot alone.
 *
 * "Line" below is what hfttune adds to the command line: the parameters of all layers, in the order of the table, with
 * single blanks between them. What is not ours in a command line is never touched.
 */
#pragma once

#include "daemon/knobs/knob.h"

#define BOOT_LINE_MAX 2047 /* COMMAND_LINE_SIZE of x86 less the NUL: the kernel cuts what is longer */

enum boot_form {
	BOOT_FLAG,     /* no value; a profile says "yes" */
	BOOT_INT,      /* within min..max */
	BOOT_WORD,     /* one of `words` */
	BOOT_CPUS,     /* cpulist of present CPUs, packed */
	BOOT_ISOLCPUS, /* the same behind flags: "managed_irq,domain,2-3" */
};

struct boot_row {
	const char *option; /* as in a profile */
	const char *prefix; /* what stands before the value: "isolcpus=", "hugepagesz=1G hugepages="; a flag: all of it */
	enum boot_form form;
	int64_t min, max;
	const char *words;  /* "on|off" */
	const char *effect; /* the file that says which CPUs the kernel took, or NULL: the command line has to do */
	bool isolates;      /* P11: takes the CPUs away from everybody else */
	int risk;
	const char *unit, *bounds, *summary, *counter, *source, *traps; /* NULL is "" */
};

extern const struct boot_row boot_rows[]; /* in the order of the line */
extern const size_t n_boot_rows;
const struct boot_row *boot_row(const char *option); /* or NULL */

/* Where and how a boot loader keeps parameters. All paths are read and written through c->fs. */
struct boot_loader {
	const char *name;
	bool (*is_here)(const struct knob_ctx *c);
	/* The line as it is staged for the next boot; "" when there is none. */
	int (*staged)(const struct knob_ctx *c, struct strbuf *ret, struct hft_err *err);
	/* Stage a line; "" takes away all that staging made. */
	int (*stage)(const struct knob_ctx *c, const char *line, struct hft_err *err);
	/* Hand what is staged on to what the loader reads. Not called in a copied tree. */
	int (*take_effect)(const struct knob_ctx *c, struct hft_err *err);
	/* "FILE:LINE" where somebody else sets what the prefix says, else "". */
	int (*foreign)(const struct knob_ctx *c, const char *prefix, struct strbuf *ret, struct hft_err *err);
	/* Does each entry that boots normally have (present) or lack what is staged? "" when so, else what is wrong. */
	int (*entries)(const struct knob_ctx *c, const char *prefix, const char *value, struct strbuf *ret,
	               struct hft_err *err);
};
extern const struct boot_loader boot_grub;
/* The loader of this host. -ENOENT ERR_NOT_APPLICABLE: none that hfttune knows. */
int boot_loader(const struct knob_ctx *c, const struct boot_loader **ret, struct hft_err *err);

/* The value behind prefix in a command line, the last one when there are several (the kernel takes that). False: the
 * parameter is not there. A flag has the value "". */
bool boot_find(const char *line, const char *prefix, struct strbuf *ret);
