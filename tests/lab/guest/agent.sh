#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs in the guest at the end of each boot: the scenario, from its top, and the end of the guest when it is through.
# What the host has to know goes through files of the shared folder: boot (which one this is), progress, verdict.
set -u
share=/run/lab
export share

rm -f $share/rebooting
echo "boot $(cat $share/boot)" >>$share/progress
bash -c '. $share/guest/lib.sh; . "$1"' scenario $share/scenarios/*.sh >>$share/output 2>&1
status=$?

# The machine is going down already, and comes back; or it is to be kept as it is.
[ ! -e $share/rebooting ] || sleep 600
[ ! -e $share/holding ] || exit 0

if [ $status != 0 ] || [ -e $share/failed ]; then
	[ -e $share/failed ] || echo "FAILED: the scenario ended with status $status" | tee $share/failed >>$share/progress
	journalctl -b --no-pager >$share/journal 2>&1
	hfttune status >$share/status 2>&1
	echo failed >$share/verdict
elif [ ! -s $share/expectations ]; then
	echo 'FAILED: nothing was expected' | tee $share/failed >>$share/progress
	echo failed >$share/verdict
else
	echo passed >$share/verdict
fi
echo end >>$share/progress
sync
# The disk is thrown away.
echo o >/proc/sysrq-trigger
