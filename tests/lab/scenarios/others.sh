#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Other tools that write the same: refused by name, or stopped first and started again; irqbalance kept off CPUs by its
# environment; somebody who starts a tool again is seen, and mended.

use_profiles others banned
unit_state() { systemctl show -P ActiveState -P UnitFileState -P DropInPaths "$1" | xargs; }
is_active() { systemctl is-active --quiet "$1"; }
swappiness() { [ "$(cat /proc/sys/vm/swappiness)" = "$1" ]; }
# tuned_is_up: it has applied its profile, which it begins only when the unit is active already.
tuned_is_up() { tuned-adm verify; }
was_swappiness=$(cat /proc/sys/vm/swappiness)
was_ratio=$(cat /proc/sys/vm/dirty_ratio)
expect_true test "$was_swappiness" != 10

step "TuneD runs: refused by name, and nothing is touched"
expect_exit 0 systemctl start tuned.service
expect_exit 0 tuned-adm profile network-latency
expect_await 60 swappiness 10
# At each start it writes to transparent huge pages, for which the kernel reckons vm.min_free_kbytes anew: as it will be.
expect_exit 0 systemctl restart tuned.service
expect_await 60 tuned_is_up
dump tuned
tuned_state=$(unit_state tuned.service)
expect_exit 4 hfttune plan others
expect_has "tuned.service (TuneD) runs and sets sysctl vm.swappiness"
expect_exit 4 hfttune apply others
expect_exit 0 systemctl start irqbalance.service
expect_exit 4 hfttune plan others
expect_has "irqbalance.service"
expect_has "tuned.service"
expect_exit 0 systemctl stop irqbalance.service
dump refused
expect_same_host tuned refused

step "stopped first, and what it puts back is set again"
expect_exit 0 hfttune apply others --set variables.conflicts=stop
expect_true test "$(unit_state tuned.service)" = "inactive masked-runtime"
expect_true swappiness 10
expect_file /proc/sys/vm/dirty_ratio 25
expect_exit 0 hfttune verify
expect_exit 1 systemctl start tuned.service
expect_has masked

step "started again by somebody: drift with its cause, and repaired"
expect_exit 0 systemctl unmask --runtime tuned.service
expect_exit 0 systemctl start tuned.service
expect_await 60 tuned_is_up
expect_exit 3 hfttune verify
expect_has "it runs again"
expect_has "tuned.service (TuneD) runs"
expect_exit 0 hfttune repair
expect_true test "$(unit_state tuned.service)" = "inactive masked-runtime"
expect_exit 0 hfttune verify

step "rollback starts it again, and it knows what was there before it"
expect_exit 0 hfttune rollback --all
expect_eq "$tuned_state" "$(unit_state tuned.service)" "state of tuned.service"
expect_await 60 tuned_is_up
dump tuned-again
expect_same_host tuned tuned-again
expect_exit 0 systemctl stop tuned.service
expect_file /proc/sys/vm/swappiness "$was_swappiness"
expect_file /proc/sys/vm/dirty_ratio "$was_ratio"

step "irqbalance kept off CPUs, by its own environment"
expect_exit 0 systemctl start irqbalance.service
balance_state=$(unit_state irqbalance.service)
balance_environment() { tr '\0' '\n' <"/proc/$(systemctl show -P MainPID irqbalance.service)/environ"; }
has_ban() { balance_environment | grep -qx "IRQBALANCE_BANNED_CPULIST=$1"; }
echo 'IRQBALANCE_BANNED_CPULIST=7' >/etc/default/irqbalance # which the drop-in has to outdo
expect_exit 0 hfttune apply banned
expect_true has_ban 2-3
expect_exit 0 hfttune verify
pid=$(systemctl show -P MainPID irqbalance.service)
expect_exit 0 hfttune apply banned
expect_eq "$pid" "$(systemctl show -P MainPID irqbalance.service)" "a second apply does not restart it"
step "restarted without the drop-in: drift, and repaired"
mv /run/systemd/system/irqbalance.service.d /run/aside
expect_exit 0 systemctl daemon-reload
expect_exit 0 systemctl restart irqbalance.service
mv /run/aside /run/systemd/system/irqbalance.service.d
expect_await 10 has_ban 7 # the unit counts as started before its program runs
expect_exit 3 hfttune verify
expect_has "irqbalance runs with 7"
expect_exit 0 hfttune repair
expect_true has_ban 2-3
step "rollback"
expect_exit 0 hfttune rollback --all
expect_true has_ban 7
expect_true test ! -e /run/systemd/system/irqbalance.service.d
expect_eq "$balance_state" "$(unit_state irqbalance.service)" "state of irqbalance.service"

step "irqbalance started after an apply"
expect_exit 0 systemctl stop irqbalance.service
expect_exit 0 hfttune apply others
expect_exit 0 systemctl start irqbalance.service
expect_exit 3 hfttune verify
expect_has "it runs, and sets irq"
expect_exit 4 hfttune repair
expect_exit 0 systemctl stop irqbalance.service
expect_exit 0 hfttune rollback --all --force # it may have moved some by now
expect_exit 0 hfttune apply others --set variables.conflicts=stop
expect_exit 0 systemctl start irqbalance.service
expect_exit 3 hfttune verify
expect_exit 0 hfttune repair
expect_true test "$(unit_state irqbalance.service)" = "inactive masked-runtime"
expect_exit 0 hfttune verify
expect_exit 0 hfttune rollback --all
expect_eq "$balance_state" "$(unit_state irqbalance.service)" "state of irqbalance.service"
