#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Settings of a unit and of its allocator are in the running Redis, in every thread of it; what others do to them is
# drift, with its cause; what does not start is undone; and nothing of it stays.

unit=redis-server.service
dir=/etc/systemd/system/$unit.d
ours=$dir/50-hfttune.conf
use_profiles service service-later service-broken

pid() { systemctl show -P MainPID $unit; }
# of_threads FIELD: one field of stat, or of status, of all threads, each value once.
stat_of_threads() { sed 's/.*) //' /proc/"$(pid)"/task/*/stat | cut -d' ' -f$(($1 - 2)) | sort -u | xargs; }
status_of_threads() { sed -n "s/^$1:[[:space:]]*//p" /proc/"$(pid)"/task/*/status | sort -u | xargs; }
limit() { sed -n "s/^Max $1  *//p" "/proc/$(pid)/limits" | awk '{ print $1 ":" $2 }'; }
malloc_stats() { redis-cli memory malloc-stats | sed -n "s/^ *opt\\.$1: \\([^ ]*\\).*/\\1/p"; }
pings() { [ "$(redis-cli ping)" = PONG ]; }
restart_it() {
	systemctl restart $unit
	expect_await 60 pings
}

expect_await 60 pings
expect_true test "$(find "/proc/$(pid)/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt 1
arenas=$(malloc_stats narenas)
expect_true test "$arenas" -gt 2
dump before

step "a plan says what will be restarted, and what only looks like an obstacle"
expect_exit 3 hfttune plan service
expect_has "apply restarts $unit"
expect_has "is no obstacle"
expect_has "jemalloc-bg-thread"
was=$(pid)

step "apply: restarted once, and in the process and every thread of it"
expect_exit 0 hfttune apply service
expect_true test "$was" != "$(pid)"
expect_eq 0 "$(hfttune --json verify | jq .summary.pending)" pending
expect_true pings
expect_eq 2-3 "$(status_of_threads Cpus_allowed_list)" affinity
expect_eq 0 "$(status_of_threads Mems_allowed_list)" nodes
expect_eq "-5" "$(stat_of_threads 19)" nice
expect_eq "10" "$(stat_of_threads 40)" priority
expect_eq "1" "$(stat_of_threads 41)" policy
expect_eq 65000:70000 "$(limit 'open files')"
expect_eq unlimited:unlimited "$(limit 'locked memory')"
expect_eq 20:20 "$(limit 'realtime priority')"
expect_file "/proc/$(pid)/oom_score_adj" -800
expect_eq "idle" "$(ionice -p "$(pid)")" "class of disk accesses"
expect_eq "prefer:0" "$(awk '$2 ~ /prefer/ { sub("=.*:", ":", $2); print $2; exit }' "/proc/$(pid)/numa_maps")" "memory policy"
expect_file "/proc/$(pid)/cgroup" "0::/hft.slice/$unit"
expect_file /sys/fs/cgroup/hft.slice/$unit/memory.min $((32 << 20))
expect_file /sys/fs/cgroup/hft.slice/cpuset.cpus.effective 2-3
expect_eq 2 "$(malloc_stats narenas)" "narenas of jemalloc"
expect_eq 1000 "$(malloc_stats dirty_decay_ms)" "dirty_decay_ms of jemalloc"
expect_exit 0 hfttune verify

step "once more: nothing is written, nothing restarted"
was=$(pid)
expect_exit 0 hfttune apply service
expect_eq null "$(hfttune --json apply service | jq .txn)"
expect_eq "$was" "$(pid)" "the process"

step "somebody edits our file"
sed -i 's/^Nice=.*/Nice=-6/' $ours
expect_exit 3 hfttune verify
expect_exit 0 hfttune repair
expect_true grep -qx Nice=-5 $ours
expect_eq "$was" "$(pid)" "the process"
echo ExecStartPre=/bin/true >>$ours
expect_exit 3 hfttune verify
expect_has "50-hfttune.conf:$(wc -l <$ours)"
expect_exit 4 hfttune repair
expect_true grep -q ExecStartPre $ours
sed -i /ExecStartPre/d $ours
expect_exit 0 hfttune verify

step "somebody sets another environment, and restarts"
printf '[Service]\nEnvironment=MALLOC_CONF=narenas:4\n' >$dir/90-other.conf
systemctl daemon-reload
restart_it
expect_exit 3 hfttune verify
expect_has "another drop-in"
expect_exit 4 hfttune plan service
expect_has "90-other.conf:2"
rm $dir/90-other.conf
systemctl daemon-reload
restart_it
expect_exit 0 hfttune verify

step "an environment that only jemalloc tells of"
echo MALLOC_CONF=narenas:5 >/run/malloc.env
printf '[Service]\nEnvironmentFile=/run/malloc.env\n' >$dir/90-other.conf
systemctl daemon-reload
restart_it
expect_exit 3 hfttune verify
expect_has "MEMORY MALLOC-STATS says 5"
rm $dir/90-other.conf /run/malloc.env
systemctl daemon-reload
restart_it
expect_exit 0 hfttune verify

step "somebody moves a thread: repair restarts"
was=$(pid)
taskset -acp 2 "$was"
renice -n 3 -p "$was"
expect_exit 3 hfttune verify
expect_has "thread $was"
expect_exit 0 hfttune repair
expect_await 60 pings
expect_true test "$was" != "$(pid)"
expect_exit 0 hfttune verify

step "what may not restart waits"
expect_exit 0 hfttune apply service-later
expect_has "pending"
expect_has "Pending until the services are restarted"
expect_eq 1 "$(hfttune --json verify | jq .summary.pending)" pending
expect_eq "-5" "$(stat_of_threads 19)" nice
restart_it
expect_eq "-7" "$(stat_of_threads 19)" nice
expect_eq 0 "$(hfttune --json verify | jq .summary.pending)" pending
expect_exit 0 hfttune rollback # the phase that comes to light may restart it
expect_await 60 pings
expect_eq "-5" "$(stat_of_threads 19)" nice

step "rollback: restarted as it was"
expect_exit 0 hfttune rollback --all
expect_await 60 pings
expect_true test ! -e $dir
expect_eq 0 "$(stat_of_threads 19)" nice
expect_eq "$arenas" "$(malloc_stats narenas)" "narenas of jemalloc"
dump after
expect_same_host before after

step "what does not start is undone, and runs again"
expect_exit 1 hfttune apply service-broken
expect_has "$unit was restarted"
expect_await 60 pings
expect_true systemctl is-active $unit
dump undone
expect_same_host before undone

step "killed while it restarts"
for ms in 500 1500 2500 4000; do
	hfttune apply service >"$share/apply" 2>&1 &
	sleep "$((ms / 1000)).$((ms % 1000))"
	systemctl kill --signal=KILL --kill-who=all hfttuned.service
	wait $! || :
	systemctl reset-failed hfttuned.service
	expect_await 60 hfttune status
	expect_eq null "$(hfttune --json status | jq -c .unfinished)" "unfinished"
	expect_exit 0 hfttune rollback --all
	expect_await 60 pings
	dump killed
	expect_same_host before killed
done
