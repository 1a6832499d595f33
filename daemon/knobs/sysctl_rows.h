/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of knob sysctl: the allow-list. What is not in it cannot be set. */
#pragma once

#include "daemon/knobs/row.h"

extern const struct row_table sysctl_rows;
