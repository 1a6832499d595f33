#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Puts files in place and takes them away, for `make install` and `make uninstall`. Must never touch the tuning of the
# host: it starts, stops and restarts nothing, but that `remove` stops the daemon of an uninstalled program, once no
# layer is in force.
#
#	install.sh put    MODE:SOURCE:TARGET...
#	install.sh remove MODE:SOURCE:TARGET...
#
# Environment: DESTDIR (where the tree is staged, empty for this host), BINDIR, SBINDIR, LIBDIR (ours alone), FORCE.
set -eu
umask 022

: "${DESTDIR=}" "${BINDIR:?}" "${SBINDIR:?}" "${LIBDIR:?}" "${FORCE=}"
MADE=$DESTDIR$LIBDIR/installed-directories # those that were not there before, so that they can go again
STATE=$DESTDIR/var/lib/hfttune
UNITS='hfttuned.service hfttuned.socket hfttune-replay.service hfttune-drift.service hfttune-drift.timer'

have() {
	command -v "$1" >/dev/null 2>&1
}

# Is this host meant, and does systemd run it?
live_systemd() {
	[ -z "$DESTDIR" ] && [ -d /run/systemd/system ] && have systemctl
}

# --- put ---

# Make a directory and remember it and those above that had to be made, the deepest last.
make_dir() {
	[ -d "$1" ] && return
	make_dir "$(dirname "$1")"
	mkdir "$1"
	made="$made${1#"$DESTDIR"}
"
}

# Unit files name the programs where they are installed by default; scripts and manuals are as they are.
put_file() { # MODE SOURCE TARGET
	make_dir "$(dirname "$DESTDIR$3")"
	case $2 in
	packaging/systemd/*)
		sed -e "s|/usr/sbin/hfttuned|$SBINDIR/hfttuned|" -e "s|/usr/bin/hfttune |$BINDIR/hfttune |" "$2" >"$DESTDIR$3.new"
		;;
	*)
		cp "$2" "$DESTDIR$3.new"
		;;
	esac
	chmod "$1" "$DESTDIR$3.new"
	# In one step: a daemon that runs keeps its file, and whoever starts one meanwhile gets the old or the new.
	mv -f "$DESTDIR$3.new" "$DESTDIR$3"
}

make_group() {
	getent group "$1" >/dev/null || groupadd -r "$1"
}

# What a package's scripts would do. The daemon that runs is left alone: it serves on, and is replaced whenever the
# administrator restarts it, which changes no tuning.
settle() {
	if live_systemd; then
		systemd-sysusers hfttune.conf || { make_group hfttune; make_group hfttune-admin; }
		systemd-tmpfiles --create hfttune.conf || :
		systemctl daemon-reload
		! have journalctl || journalctl --update-catalog || :
		echo 'next: systemctl enable --now hfttuned.socket hfttuned.service' \
			'(hfttune-replay.service is enabled along; and hfttune-drift.timer for a regular check)'
	else
		make_group hfttune
		make_group hfttune-admin
		mkdir -p /etc/hfttune/profiles /run/hfttune
		[ -d /var/lib/hfttune ] || mkdir -m 0700 /var/lib/hfttune
	fi
}

put() {
	made=
	[ -z "$DESTDIR" ] || mkdir -p "$DESTDIR"
	make_dir "$DESTDIR$LIBDIR"
	for entry; do
		target=${entry##*:} source=${entry#*:}
		put_file "${entry%%:*}" "${source%:*}" "$target"
	done
	[ -z "$made" ] || printf '%s' "$made" >>"$MADE"
	[ -n "$DESTDIR" ] || settle
}

# --- remove ---

refuse() {
	{
		echo "hfttune is not removed: $1.${stopped:+ (Its units were stopped: systemctl start hfttuned.socket)}"
		echo "Take the tuning back first: hfttune${DESTDIR:+ --standalone --root $DESTDIR} rollback --all"
		echo "Or remove the programs and leave host and originals as they are: make uninstall FORCE=1"
	} >&2
	exit 1
}

# What the installed program says of the state. The private daemon has to be beside it, else the one of this host would
# be taken for that of a staged tree.
ask_status() {
	set -- --json --standalone
	[ -z "$DESTDIR" ] || set -- "$@" --root "$DESTDIR"
	beside=$(mktemp -d "$DESTDIR$LIBDIR/status.XXXXXX")
	cp -p "$DESTDIR$BINDIR/hfttune" "$DESTDIR$SBINDIR/hfttuned" "$beside" &&
		"$beside/hfttune" "$@" status 2>/dev/null | tr -d ' \t\n'
	rm -rf "$beside"
}

# Refuses unless the installed program itself says that there is nothing to take back. The originals are in $STATE, so
# what it does not say in so many words counts as "in force". A host that was never tuned has no journal.
check_nothing_in_force() {
	[ -d "$STATE/txn" ] || [ -d "$STATE/quarantine" ] || return 0
	[ -x "$DESTDIR$BINDIR/hfttune" ] || refuse "$STATE holds a journal, and there is no program to read it"
	answer=$(ask_status) || :
	case $answer in *'"schema":"hfttune/1"'*) ;; *) refuse 'its state cannot be read' ;; esac
	case $answer in *'"error":{'*) refuse 'its state cannot be read' ;; esac
	case $answer in *'"layers":[]'*) ;; *) refuse 'layers are in force' ;; esac
	case $answer in *'"unfinished":{'* | *'"running":{'*) refuse 'a transaction is not finished' ;; esac
	case $answer in *'"neither":[]'*) ;; *) refuse 'objects are neither before nor after' ;; esac
	case $answer in *'"damage":[]'*) ;; *) refuse 'its journal is damaged' ;; esac
	case $answer in *'"stuck":true'*) refuse 'a transaction is stuck' ;; esac
}

stop_units() {
	# shellcheck disable=SC2086 # a list
	! live_systemd || systemctl stop $UNITS 2>/dev/null || :
	stopped=1
}

forget_units() {
	# shellcheck disable=SC2086 # a list
	! live_systemd || systemctl disable $UNITS 2>/dev/null || :
	for unit in $UNITS; do
		rm -f "$DESTDIR"/etc/systemd/system/*.wants/"$unit"
	done
}

remove_state() {
	rm -rf "$STATE"
	# Theirs: profiles and host.conf that an administrator wrote.
	rmdir "$DESTDIR/etc/hfttune/profiles" "$DESTDIR/etc/hfttune" 2>/dev/null ||
		[ ! -d "$DESTDIR/etc/hfttune" ] || echo "kept: $DESTDIR/etc/hfttune, which holds files of yours"
}

remove_files() {
	made=
	[ ! -f "$MADE" ] || made=$(sort -r "$MADE")
	for entry; do
		rm -f "$DESTDIR${entry##*:}"
	done
	# Profiles of an older version, too.
	case $LIBDIR in */hfttune) rm -rf "$DESTDIR$LIBDIR" ;; esac
	# Line by line: a path may hold blanks. The deepest first, and only what is empty.
	printf '%s\n' "$made" | while IFS= read -r dir; do
		[ -z "$dir" ] || rmdir "$DESTDIR$dir" 2>/dev/null || :
	done
}

remove() {
	stopped=
	[ -n "$FORCE" ] || check_nothing_in_force
	stop_units
	if [ -z "$FORCE" ]; then
		check_nothing_in_force # again, now that no daemon can begin anything
		remove_state
	fi
	forget_units
	remove_files "$@"
	rm -rf "$DESTDIR/run/hfttune"
	! live_systemd || systemctl daemon-reload
	if [ -n "$FORCE" ] && [ -d "$STATE" ]; then
		echo "kept: $STATE, with the originals of all that is in force. The host stays tuned until a reboot, and"
		echo "beyond it where files were written. To get back: install hfttune again, then hfttune rollback --all"
	fi
}

verb=${1:?put or remove}
shift
case $verb in
put | remove) "$verb" "$@" ;;
*) exit 2 ;;
esac
