#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks packaging/: units (parse, sandbox, promises that a unit can break), catalogue, sysusers, tmpfiles, scripts.
# Needs no systemd as PID 1 and no root; what the machine has no tool for is said and left out.
#
#	tests/lint/units.sh [packaging directory]
set -eu
cd "$(dirname "$0")/../.."
DIR=${1:-packaging}
UNITS=$DIR/systemd
THRESHOLD=35 # tenths: an exposure of 3.5 by systemd-analyze
failed=0
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

bad() {
	echo "units.sh: $*" >&2
	failed=1
}

have() {
	command -v "$1" >/dev/null 2>&1 || { echo "units.sh: no $1 here, left out"; return 1; }
}

# The programs need not be installed: copies of the units run /bin/true.
check_parse() {
	mkdir "$T/units"
	for u in "$UNITS"/*.{service,socket,timer}; do
		sed 's|^ExecStart=.*|ExecStart=/bin/true|' "$u" >"$T/units/${u##*/}"
	done
	# It may end with 0 in spite of a complaint, and complain of the machine's own units.
	systemd-analyze verify --man=no --recursive-errors=one "$T/units"/* >"$T/verify" 2>&1 ||
		bad "systemd-analyze verify fails"
	if grep -E 'hfttune|Unknown|ignoring' "$T/verify" >&2; then
		bad "systemd-analyze verify complains"
	fi
}

check_sandbox() {
	for u in "$UNITS"/*.service; do
		systemd-analyze security --offline=true --no-pager --threshold=$THRESHOLD "$u" >"$T/security" 2>&1 ||
			bad "$u: $(tail -n 1 "$T/security"), the limit is $((THRESHOLD / 10)).$((THRESHOLD % 10))"
	done
}

# Every capability, device and path that the daemon is given stands in a comment that says what for.
check_reasons() {
	sed -nE 's/^(CapabilityBoundingSet|DeviceAllow|ReadWritePaths)=//p' "$UNITS/hfttuned.service" | tr ' ' '\n' >"$T/words"
	while read -r word; do
		case $word in rw | r | w) continue ;; esac
		grep -qE "^# .*${word#-}" "$UNITS/hfttuned.service" || bad "hfttuned.service: no reason given for $word"
	done <"$T/words"
}

wants() { # FILE LINE WHY
	grep -qxF "$2" "$UNITS/$1" || bad "$1: '$2' is missing: $3"
}

wants_not() { # FILE REGEX WHY
	! grep -nE "$2" "$UNITS/$1" >&2 || bad "$1: $3"
}

# What a unit could do against the promises of the design.
check_promises() {
	wants_not hfttuned.service '^Exec(Stop|StopPost|Reload|StartPre)=' 'P4: nothing may run at a stop or a start but the daemon'
	wants_not hfttuned.service '^RuntimeDirectory=' 'the directory of the socket would go with the service'
	wants_not hfttuned.service '^(PrivateNetwork|ProtectKernelTunables|PrivateUsers)=(yes|true|1)' 'it could not see or write what it tunes'
	wants_not hfttuned.service '^(BindsTo|PartOf)=' 'P4: another unit would stop it'
	wants_not hfttuned.service '^RestrictSUIDSGID=(yes|true|1|on)' 'openat2(2) would be ENOSYS'
	wants hfttuned.service 'Type=notify' 'the service manager must know when recovery is over'
	wants hfttuned.service 'OOMScoreAdjust=-500' 'F30'
	wants hfttuned.service 'KillMode=mixed' 'a transaction under way would be killed at a stop'
	wants hfttuned.service 'StateDirectoryMode=0700' 'the originals are for root'
	wants hfttuned.service 'WantedBy=multi-user.target' 'recovery at boot'
	grep -qE '^WatchdogSec=[0-9]+' "$UNITS/hfttuned.service" || bad 'hfttuned.service: no watchdog'
	grep -qE '^FileDescriptorStoreMax=[1-9]' "$UNITS/hfttuned.service" || bad 'hfttuned.service: P4: no descriptor store'
	wants hfttuned.socket 'ListenStream=/run/hfttune/org.hfttune.Tuner' 'design, section 5'
	wants hfttuned.socket 'SocketMode=0660' 'T14'
	wants hfttuned.socket 'SocketGroup=hfttune' 'T14'
	wants hfttuned.socket 'DirectoryMode=0755' 'T16'
	wants hfttune-replay.service 'Type=oneshot' 'who is After= it would start too early'
	wants hfttune-replay.service 'RemainAfterExit=yes' 'the state of the boot would be forgotten'
	wants hfttune-replay.service 'ConditionPathExists=!/run/hfttune/replay' 'P4: once in a boot'
	wants hfttune-replay.service 'RuntimeDirectory=hfttune/replay' 'P4: once in a boot'
	wants hfttune-replay.service 'RuntimeDirectoryPreserve=yes' 'P4: once in a boot'
	wants hfttune-replay.service 'WantedBy=multi-user.target' 'replay at boot'
	grep -qE '^TimeoutStartSec=[1-9]' "$UNITS/hfttune-replay.service" || bad 'hfttune-replay.service: it may hold up a boot'
	grep -q '^After=.*systemd-sysctl.service' "$UNITS/hfttune-replay.service" || bad 'hfttune-replay.service: sysctl.d would win'
	# All of them but tlp.service, which waits for multi-user.target, and so for this unit.
	sed -n 's/.*\.unit = "\([^"]*\)".*/\1/p' daemon/knobs/others.c | grep -v '^tlp' >"$T/others"
	while read -r u; do
		grep -qE "^After=(.* )?$u( |\$)" "$UNITS/hfttune-replay.service" || bad "hfttune-replay.service: not After=$u, which would win"
	done <"$T/others"
	wants_not hfttune-replay.service '^(After|Wants|Requires)=.*(udev-settle|online)' 'a device that is missing would hold up the boot'
	wants_not hfttune-replay.service '^ExecStart=-' 'a replay that failed would not show'
	wants hfttuned.socket 'Also=hfttune-replay.service' 'replay at boot'
	wants_not hfttune-drift.service '^Exec.*(apply|repair|replay|rollback)' 'P3: the check changes nothing'
	wants_not hfttune-drift.service '^(SuccessExitStatus=.*3|ExecStart=-)' 'drift would not leave the unit failed'
}

# Replay waits for every tool that a phase may have to stop: those of the table that go on running.
check_others() {
	awk 'BEGIN { RS = "\n\t{ " } /\.unit = / && !/at_start = true/ { split($0, part, "\""); print part[2] }' \
		daemon/knobs/others.c >"$T/others"
	[ -s "$T/others" ] || bad 'daemon/knobs/others.c: no units found'
	while read -r u; do
		grep -qE "^After=(.* )?$u( |\$)" "$UNITS/hfttune-replay.service" || bad "hfttune-replay.service: not After=$u"
	done <"$T/others"
}

check_catalog() {
	ids=$(sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$DIR/hfttune.catalog" | sort)
	[ -n "$ids" ] || bad 'hfttune.catalog: no ids'
	[ "$ids" = "$(printf '%s\n' "$ids" | uniq)" ] || bad 'hfttune.catalog: an id is used twice'
	[ "$(grep -c '^-- ' "$DIR/hfttune.catalog")" = "$(printf '%s\n' "$ids" | wc -l)" ] || bad 'hfttune.catalog: not an id'
	have journalctl || return 0
	mkdir -p "$T/root/usr/lib/systemd/catalog" "$T/root/var/lib/systemd/catalog"
	cp "$DIR/hfttune.catalog" "$T/root/usr/lib/systemd/catalog/"
	journalctl --root="$T/root" --update-catalog >"$T/catalog" 2>&1 || bad "hfttune.catalog: $(cat "$T/catalog")"
	listed=$(journalctl --root="$T/root" --list-catalog 2>/dev/null | grep -c ' hfttune: ') || :
	[ "$listed" = "$(printf '%s\n' "$ids" | wc -l)" ] || bad "hfttune.catalog: $listed entries are readable"
}

check_directories() {
	if have systemd-sysusers; then
		mkdir -p "$T/root/etc"
		systemd-sysusers --root="$T/root" --dry-run "$PWD/$DIR/hfttune.sysusers" >"$T/sysusers" 2>&1 ||
			bad "hfttune.sysusers: $(cat "$T/sysusers")"
		for g in hfttune hfttune-admin; do
			grep -qE "group '?$g'? " "$T/sysusers" || bad "hfttune.sysusers: makes no group $g"
		done
	fi
	if have systemd-tmpfiles && [ "$(id -u)" = 0 ]; then
		systemd-tmpfiles --root="$T/root" --create "$PWD/$DIR/hfttune.tmpfiles" || bad hfttune.tmpfiles
		[ "$(stat -c %a "$T/root/var/lib/hfttune")" = 700 ] || bad 'hfttune.tmpfiles: /var/lib/hfttune is not 0700'
		[ "$(stat -c %a "$T/root/run/hfttune")" = 755 ] || bad 'hfttune.tmpfiles: /run/hfttune is not 0755'
	fi
}

if have systemd-analyze; then
	check_parse
	check_sandbox
fi
check_reasons
check_promises
check_others
check_catalog
check_directories
! have shellcheck || shellcheck "$DIR/install.sh" tests/tools/hostdump-diff tests/lint/units.sh || failed=1
exit $failed
