#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The yardstick: the same settings by TuneD's network-latency and by hfttune, side by side: seconds, memory, wake-ups,
# and what is left behind afterwards, also after kill -9. Ours has to leave nothing.

use_profiles network-latency
results=$share/results

# Python under emulation on a busy machine takes its time to start, which is not what is measured.
dropin=/run/systemd/system/tuned.service.d
mkdir -p $dropin
printf '[Service]\nTimeoutStartSec=10min\n' >$dropin/patience.conf
systemctl daemon-reload

note() { # WHAT VALUE
	printf '%s\t%s\n' "$1" "$2" >>"$results"
}

# timed NAME COMMAND...: seconds, and the exit status where it is not 0.
timed() {
	local name=$1 began status=0
	shift
	began=$(date +%s%N)
	"$@" >>"$share/output" 2>&1 || status=$?
	awk -v n="$name" -v ms=$((($(date +%s%N) - began) / 1000000)) -v s=$status \
		'BEGIN { printf "%s\t%.2f s%s\n", n, ms / 1000, s ? " (exit " s ")" : "" }' >>"$results"
}

processes() { # UNIT
	cat "/sys/fs/cgroup/system.slice/$1/cgroup.procs"
}
memory() { # UNIT: resident, of all its processes
	local pid
	for pid in $(processes "$1"); do cat "/proc/$pid/status"; done |
		awk '$1 == "VmRSS:" { n += $2 } END { printf "%.1f MiB", n / 1024 }'
}
switches() { # UNIT: of all its threads
	local pid
	for pid in $(processes "$1"); do cat /proc/"$pid"/task/*/status; done |
		awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n + 0 }'
}
at_rest() { # PREFIX UNIT
	local before
	note "$1.resident memory" "$(memory "$2")"
	before=$(switches "$2")
	sleep 30
	note "$1.wake-ups a minute" $((($(switches "$2") - before) * 2))
}
left() { # BEFORE AFTER: how many lines differ
	hostdump-diff "$dumps/$1" "$dumps/$2" >"$share/left-$2" 2>&1 || :
	grep -c '^+' "$share/left-$2" || :
}
value() { awk -F '\t' -v key="$1" '$1 == key { print $2 }' "$results"; }

dump before
step "hfttune"
timed 'ours.apply' hfttune apply network-latency
timed 'ours.verify' hfttune verify
at_rest ours hfttuned.service
timed 'ours.rollback' hfttune rollback --all
dump ours
note "ours.left changed" "$(left before ours)"

step "hfttune, killed"
expect_exit 0 hfttune apply network-latency
systemctl kill --signal=KILL --kill-who=all hfttuned.service
expect_await 60 hfttune status
expect_exit 0 hfttune rollback --all
dump ours-killed
note "ours.left changed after kill -9" "$(left before ours-killed)"

step "TuneD"
expect_exit 0 systemctl start tuned.service
expect_exit 0 tuned-adm off
dump tuned-before
timed 'tuned.apply' tuned-adm profile network-latency
timed 'tuned.verify' tuned-adm verify
at_rest tuned tuned.service
timed 'tuned.rollback' tuned-adm off
dump tuned
note "tuned.left changed" "$(left tuned-before tuned)"

step "TuneD, killed"
tuned-adm profile network-latency
systemctl kill --signal=KILL --kill-who=all tuned.service
systemctl reset-failed tuned.service || :
systemctl start tuned.service
await 60 tuned-adm active
tuned-adm off
dump tuned-killed
note "tuned.left changed after kill -9" "$(left tuned-before tuned-killed)"

while IFS= read -r what; do
	printf '%-30s %-18s %s\n' "$what" "$(value "ours.$what")" "$(value "tuned.$what")"
done >"$share/table" <<-'END'
	apply
	verify
	rollback
	resident memory
	wake-ups a minute
	left changed
	left changed after kill -9
END
step "the same settings            hfttune            TuneD $(dpkg-query -W -f='${Version}' tuned)"
while IFS= read -r line; do step "$line"; done <"$share/table"
for left in 'left changed' 'left changed after kill -9'; do expect_eq 0 "$(value "ours.$left")" "$left by hfttune"; done
