#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Directives of the packaged Redis: its file and the server that runs, through the sandbox of the service; what only a
# restart changes; what somebody sets by hand; and the very file back. A file that host.conf lists, once the unit lets it.

conf=/etc/redis/redis.conf unit=redis-server.service
app=/etc/redistill/redistill.toml
get() { redis-cli config get "$1" | tail -n 1; }
restart_redis() {
	systemctl restart $unit
	expect_await 20 redis-cli ping
}
state_of() { jq -r --arg o "$unit $1" '.steps[] | select(.object == $o) | .state' <<<"$output"; }

use_profiles redis
mkdir -p ${app%/*}
printf '# shards\n[server]\nnum_shards = 256 # few\n' >$app
printf '[conffile]\nredistill = %s\n' $app >>/etc/hfttune/host.conf
restart_redis
look="stat -c %U:%G:%a:%s:%i $conf $app"
files=$($look)
cp $conf "$share/redis.conf"
dump before

step "apply"
expect_exit 3 hfttune plan redis
expect_exit 1 hfttune apply redis # its directory is read-only to the service
expect_has "ReadWritePaths=/etc/redistill"
expect_true cmp $conf "$share/redis.conf"
mkdir -p /run/systemd/system/hfttuned.service.d
printf '[Service]\nReadWritePaths=/etc/redistill\n' >/run/systemd/system/hfttuned.service.d/redistill.conf
systemctl daemon-reload
systemctl restart hfttuned.service
dump before
expect_exit 0 hfttune apply redis
for line in 'databases 1' 'tcp-keepalive 30' 'hz 8' 'maxmemory 1073741824' 'save ""'; do
	expect_true grep -qxF "$line" $conf
done
expect_eq "redis:redis 640" "$(stat -c '%U:%G %a' $conf)"
expect_eq "30 8 1073741824 ." "$(get tcp-keepalive) $(get hz) $(get maxmemory) $(get save)."
expect_eq $'# shards\n[server]\nnum_shards = 4096 # few\nbatch_size = 16' "$(cat $app)"

step "pending until a restart"
expect_exit 0 hfttune --json verify
expect_eq "pending ok" "$(state_of databases) $(state_of hz)"
expect_eq 16 "$(get databases)"
restart_redis
expect_exit 0 hfttune --json verify
expect_eq "ok ok" "$(state_of databases) $(state_of hz)"
expect_eq 1 "$(get databases)"

step "drift"
redis-cli config set hz 12
expect_exit 3 hfttune --json verify
expect_eq "drift ok" "$(state_of hz) $(state_of maxmemory)"
expect_exit 4 hfttune rollback --phase redis
expect_eq 12 "$(get hz)"
expect_exit 0 hfttune apply redis
expect_eq 8 "$(get hz)"
redis-cli config set maxmemory 2gb
expect_exit 3 hfttune verify
expect_exit 0 hfttune repair
expect_eq 1073741824 "$(get maxmemory)"
expect_exit 0 hfttune verify

step "rollback"
expect_exit 0 hfttune rollback --all
expect_true cmp $conf "$share/redis.conf"
expect_eq "$files" "$($look)" "owner, mode and the very files"
restart_redis
dump after
expect_same_host before after
