#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installed, used and uninstalled, hfttune leaves nothing behind but its groups; with layers in force it refuses to go.

# All files of the machine but what runs by itself and the project's sources.
files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/log -o -path "$source" \
		-o -path /var/lib/systemd/catalog -o -path /var/cache -o -path /var/tmp \) -prune -o -print | sort
}
ours() {
	find / -xdev \( -path "$source" -o -path /var/log -o -path /proc -o -path /sys \) -prune -o -iname '*hfttune*' -not -name '*hfttune-lab*' -print
	find /run -iname '*hfttune*' -not -name '*hfttune-lab*' -not -path '/run/lab/*' -print
	systemctl list-unit-files --no-legend '*hfttune*' | grep -v hfttune-lab || :
}

step "uninstalled at once"
expect_exit 0 make -C "$source" uninstall
expect_eq "" "$(ours)" "left behind"
files >"$dumps/files.before"
dump before

step "installed, as the README says, and used"
expect_exit 0 make -C "$source" install
expect_exit 0 systemctl enable --now hfttuned.socket hfttuned.service hfttune-drift.timer
use_profiles one
expect_exit 0 hfttune apply one

step "refuses while layers are in force"
expect_exit 2 make -C "$source" uninstall
expect_has "layers are in force"
expect_exit 0 hfttune verify
expect_exit 0 hfttune rollback --all
rm /etc/hfttune/profiles/one.conf

step "uninstalled"
expect_exit 0 make -C "$source" uninstall
expect_eq "" "$(ours)" "left behind"
files >"$dumps/files.after"
expect_eq "" "$(diff "$dumps/files.before" "$dumps/files.after")" "files"
dump after
expect_same_host before after
expect_true getent group hfttune
expect_true getent group hfttune-admin
