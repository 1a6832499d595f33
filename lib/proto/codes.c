/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of error codes. Must not know what leads to an error. */
#include "lib/proto/codes.h"

#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"

static const struct code_row rows[] = {
	{ ERR_INVALID_ARGUMENT, "InvalidArgument", EXIT_USAGE },
	{ ERR_INVALID_PROFILE, "InvalidProfile", EXIT_USAGE },
	{ ERR_NO_PROFILE, "NoSuchProfile", EXIT_USAGE },
	{ ERR_NO_MATCH, "NoMatch", EXIT_USAGE },
	{ ERR_OUT_OF_BOUNDS, "OutOfBounds", EXIT_USAGE },
	{ ERR_NOT_APPLICABLE, "NotApplicable", EXIT_FAILED }, /* reaches an exit only where a phase requires it */
	{ ERR_REFUSED, "Refused", EXIT_REFUSED },
	{ ERR_PERMISSION, "PermissionDenied", EXIT_REFUSED },
	{ ERR_BUSY, "Busy", EXIT_REFUSED },
	{ ERR_CONFLICT, "Conflict", EXIT_REFUSED },
	{ ERR_WRITE_FAILED, "WriteFailed", EXIT_FAILED },
	{ ERR_NOT_IN_EFFECT, "NotInEffect", EXIT_FAILED },
	{ ERR_NOT_UNDONE, "NotUndone", EXIT_NOT_UNDONE },
	{ ERR_IO, "InputOutput", EXIT_FAILED },
	{ ERR_NO_MEMORY, "OutOfMemory", EXIT_FAILED },
	{ ERR_STATE, "StateDamaged", EXIT_REFUSED },
	{ ERR_TIMEOUT, "Timeout", EXIT_FAILED },
	{ ERR_PROTOCOL, "ProtocolViolation", EXIT_FAILED },
	/* Raised where there is nobody to send it to: no error of its own. Behind ERR_IO, whose error it borrows. */
	{ ERR_NO_DAEMON, "InputOutput", EXIT_NO_DAEMON },
};

const struct code_row *code_find(const char *code)
{
	for (size_t i = 0; code != NULL && i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].code, code) == 0)
			return &rows[i];
	return code_find(ERR_IO);
}

const struct code_row *code_find_error(const char *error)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].error, error) == 0)
			return &rows[i];
	return NULL;
}

/* How serious: the smaller the worse. A status that is none of ours counts as a failure. */
static size_t rank(int status)
{
	static const int order[] = {
		EXIT_NOT_UNDONE, EXIT_FAILED,  EXIT_NO_DAEMON, EXIT_USAGE,
		EXIT_REFUSED,    EXIT_DIFFERS, EXIT_REBOOT,    EXIT_DONE,
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (order[i] == status)
			return i;
	return 1;
}

int exit_worse(int a, int b)
{
	return rank(a) <= rank(b) ? a : b;
}
