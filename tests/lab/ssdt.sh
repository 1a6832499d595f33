#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints the ACPI table that gives each of the guest's eight CPUs a frequency driver (acpi-cpufreq: three states, set by
# a port that nothing listens to) and an idle driver (acpi_idle: C1 by HLT). A C2 by port would spin: the guest crawls.
set -eu

register() { # SPACE BITS ADDRESS
	printf 'ResourceTemplate () { Register (%s, %s, 0, %s) }' "$1" "$2" "$3"
}

# MHz, mW, latencies in us, the values to write and to read for it.
state() { # MHZ MILLIWATTS NUMBER
	printf 'Package () { %s, %s, 10, 10, %s, %s }' "$1" "$2" "$3" "$3"
}

echo 'DefinitionBlock ("", "SSDT", 2, "HFTLAB", "CPUPM", 1) {'
for cpu in 0 1 2 3 4 5 6 7; do
	cat <<-END
		External (\\_SB.CPUS.C00$cpu, DeviceObj)
		Scope (\\_SB.CPUS.C00$cpu) {
			Name (_PCT, Package () { $(register SystemIO 16 0x610), $(register SystemIO 16 0x612) })
			Name (_PSS, Package () { $(state 3000 30000 0), $(state 2000 20000 1), $(state 1000 10000 2) })
			Name (_PPC, 0)
			Name (_CST, Package () { 1, Package () { $(register FFixedHW 1 0), 1, 1, 1000 } })
		}
	END
done
echo '}'
