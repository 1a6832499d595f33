# SPDX-License-Identifier: GPL-2.0-or-later
# hfttune: out of tree (O=build), one non-recursive Makefile. `make help` lists the targets.

O       ?= build
PREFIX  ?= /usr
DESTDIR ?=
CC      ?= gcc
V       ?= 0
WERROR  ?=
SAN     ?=
FAULT   ?=

BINDIR      = $(PREFIX)/bin
LIBEXECDIR  = $(PREFIX)/lib/hfttune
SBINDIR     = $(PREFIX)/sbin
MANDIR      = $(PREFIX)/share/man
UNITDIR     = $(PREFIX)/lib/systemd/system
PROFILEDIR  = $(LIBEXECDIR)/profiles
SYSUSERSDIR = $(PREFIX)/lib/sysusers.d
TMPFILESDIR = $(PREFIX)/lib/tmpfiles.d
CATALOGDIR  = $(PREFIX)/lib/systemd/catalog
BASHCOMPDIR = $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR  = $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR = $(PREFIX)/share/fish/vendor_completions.d
DOCDIR      = $(PREFIX)/share/doc/hfttune

VERSION  := 0.1.0
WARNINGS  = -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wcast-qual \
            -Wswitch-enum
HARDEN    = -fPIE -fstack-protector-strong -fstack-clash-protection
ifeq ($(SAN)$(DEBUG),)
FORTIFY   = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARNINGS) $(if $(WERROR),-Werror) $(HARDEN) \
             $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
ALL_CPPFLAGS = -D_GNU_SOURCE -I. -I$(O)/gen $(FORTIFY) $(CPPFLAGS) $(if $(FAULT),-DHFT_FAULT) \
               -DHFT_VERSION='"$(VERSION)"' -DHFT_LIBEXECDIR='"$(SBINDIR)"' -DHFT_PROFILEDIR='"$(PROFILEDIR)"'
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)

LIB_SRC    = $(wildcard lib/*/*.c)
DAEMON_SRC = $(wildcard daemon/*/*.c rollback/*.c)
CLI_SRC    = $(filter-out cli/main.c,$(wildcard cli/*.c))
obj        = $(patsubst %.c,$(O)/%.o,$(1))
LIB_A      = $(O)/libhft.a
DAEMON_A   = $(O)/libhftd.a
CLI_A      = $(O)/libhftcli.a
LIB_LIBS   = -lcjson
DAEMON_LIBS = -lsystemd -lnuma -lcpupower -linih -lmnl -lhiredis

Q = $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

all: $(O)/hfttune $(O)/hfttuned

$(O)/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB_A): $(call obj,$(LIB_SRC)) $(O)/gen/schema.o
$(DAEMON_A): $(call obj,$(DAEMON_SRC))
$(CLI_A): $(call obj,$(CLI_SRC))
%.a:
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^

# The tables of the interface files (lib/proto/schema.h), made by a small program that runs here.
VARLINK = lib/proto/org.hfttune.Tuner.varlink lib/proto/org.varlink.service.varlink

$(O)/gen/varlink_gen: $(O)/lib/proto/gen/varlink_gen.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

$(O)/gen/schema.c: $(O)/gen/varlink_gen $(VARLINK)
	$(call say,GEN,$@)
	$(Q)$(O)/gen/varlink_gen $(VARLINK) > $@.new
	@mv $@.new $@

$(O)/gen/schema.o: $(O)/gen/schema.c
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/hfttuned: $(O)/daemon/main.o $(DAEMON_A) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS)

$(O)/hfttune: $(O)/cli/main.o $(CLI_A) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS)

# hfttune-knobs(7) is what the knobs say about themselves.
$(O)/man/gen_knobs: $(O)/man/gen_knobs.o $(DAEMON_A) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS)

$(O)/man/hfttune-knobs.7: $(O)/man/gen_knobs
	$(call say,MAN,$@)
	$(Q)$(O)/man/gen_knobs > $@.scd
	$(Q)scdoc < $@.scd > $@.new
	@mv $@.new $@

# --- tests: each tests/unit/**/test_*.c is a program ---------------------------------------------------------------

UNIT_SRC  = $(shell find tests/unit -name 'test_*.c' 2>/dev/null)
UNIT_BIN  = $(patsubst %.c,$(O)/%,$(UNIT_SRC))

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(CLI_A) $(DAEMON_A) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS) -lcmocka

UNIT_RUN  = $(addprefix run/,$(UNIT_BIN))
unit: $(UNIT_RUN)
$(UNIT_RUN): run/%: %
	@echo "== $<"; $<

# Each script of tests/lint stands alone; cli.sh looks at the programs that were built here.
LINT_RUN  = $(addprefix run/,$(wildcard tests/lint/*.sh))
lint: $(LINT_RUN)
run/tests/lint/cli.sh: all
$(LINT_RUN): run/%:
	@echo "== $*"; $* $(if $(filter %/cli.sh,$*),'$(O)')

# Each file of bats stands alone too; what tunes this host takes its turn (needs_root in helper.bash). The longest first.
BATS_LONG = $(wildcard tests/promise/p02-*.bats)
BATS_RUN  = $(addprefix run/,$(BATS_LONG) $(filter-out $(BATS_LONG),$(wildcard tests/promise/*.bats tests/cli/*.bats)))
bats: $(BATS_RUN)
$(BATS_RUN): run/%: all tools
	@echo "== $*"; HFT_BUILD='$(abspath $(O))' bats $*

# --- tools of tests; hostdump is their judge and shares no code with the program --------------------------------------

TOOLS = $(patsubst %,$(O)/tests/tools/%,mktree genhost hostdump noise)

$(O)/tests/tools/hostdump: $(call obj,$(wildcard tests/tools/hostdump*.c))
$(O)/tests/tools/noise: $(call obj,$(wildcard tests/tools/noise*.c))
$(O)/tests/tools/mktree: $(call obj,tests/tools/mktree.c)
$(O)/tests/tools/genhost: $(call obj,tests/tools/genhost.c $(wildcard tests/tools/machine_*.c)) $(LIB_A)
$(TOOLS):
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

hostdump: $(O)/tests/tools/hostdump
tools: $(TOOLS)

# --- the daemon as a server: hostile clients, a file system that hangs, and the whole of it once more sanitised --------

SERVER_TOOLS = $(patsubst %,$(O)/tests/tools/%,attack stuckfs)

$(O)/tests/tools/attack: $(call obj,tests/tools/attack.c)
$(O)/tests/tools/stuckfs: $(call obj,tests/tools/stuckfs.c)
$(O)/tests/tools/stuckfs: TOOL_LIBS = -lfuse3
$(O)/tests/tools/stuckfs.o: CPPFLAGS += -I/usr/include/fuse3
$(SERVER_TOOLS):
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(TOOL_LIBS)

server-tools: tools $(SERVER_TOOLS)

server-test:
	$(Q)$(MAKE) --no-print-directory O=$(O)/fault FAULT=1 all server-tools
	$(Q)$(MAKE) --no-print-directory O=$(O)/san SAN=address,undefined FAULT=1 CFLAGS='$(SAN_CFLAGS)' all server-tools
	$(Q)HFT_BUILD='$(abspath $(O)/san)' bats tests/server >$(O)/server-san.log 2>&1 & san=$$!; \
	HFT_BUILD='$(abspath $(O)/fault)' bats tests/server; plain=$$?; \
	wait $$san; san=$$?; echo '== the same, sanitised'; cat $(O)/server-san.log; [ $$plain = 0 ] && [ $$san = 0 ]

# --- fuzzing: each harness of tests/fuzz in turn, FUZZ_SECONDS long; what it finds is left in O/fuzz ------------------

FUZZ_SECONDS ?= 20
FUZZ      ?= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN   = address,undefined
FUZZ_BIN   = $(patsubst %,$(O)/tests/fuzz/%,$(FUZZ))

$(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(DAEMON_A) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS)

fuzz-build: $(FUZZ_BIN)

fuzz:
	$(Q)$(MAKE) --no-print-directory O=$(O)/fuzz CC=clang SAN=fuzzer-no-link,$(FUZZ_SAN) fuzz-build
	@for f in $(FUZZ); do mkdir -p $(O)/fuzz/corpus/$$f; \
	dict=tests/fuzz/$$f.dict; [ -f $$dict ] && dict=-dict=$$dict || dict=; \
	$(O)/fuzz/tests/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 -print_final_stats=1 $$dict \
	-artifact_prefix=$(O)/fuzz/$$f- $(O)/fuzz/corpus/$$f >$(O)/fuzz/$$f.log 2>&1 || \
	{ tail -50 $(O)/fuzz/$$f.log; exit 1; }; \
	echo "== $$f: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(O)/fuzz/$$f.log) inputs"; done

# --- the benchmark: prints ratios, exits 1 when one is over its target; no part of check ----------------------------

$(O)/tests/bench/bench: $(call obj,$(wildcard tests/bench/*.c)) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS)

bench: all tools $(O)/tests/bench/bench
	$(Q)tests/bench/run.sh '$(O)'

# --- installation: MODE:SOURCE:TARGET for each file, the same list for install and uninstall ------------------------

# What systemd will read the units; older versions complain of what they do not know.
SYSTEMD_VERSION ?= $(shell systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
UNITS     = hfttuned.service hfttuned.socket hfttune-replay.service hfttune-drift.service hfttune-drift.timer
MAN_SCD   = $(wildcard man/*.scd)
MAN_PAGES = $(wildcard man/*.[1-8]) $(patsubst man/%.scd,$(O)/man/%,$(MAN_SCD)) $(O)/man/hfttune-knobs.7
to_dir    = $(foreach f,$(2),$(1):$(f):$(3)/$(notdir $(f)))

INSTALLED = 0755:$(O)/hfttune:$(BINDIR)/hfttune \
            0755:$(O)/hfttuned:$(SBINDIR)/hfttuned \
            $(call to_dir,0644,$(wildcard profiles/*.conf),$(PROFILEDIR)) \
            $(call to_dir,0644,$(addprefix packaging/systemd/,$(UNITS)),$(UNITDIR)) \
            0644:packaging/hfttune.sysusers:$(SYSUSERSDIR)/hfttune.conf \
            0644:packaging/hfttune.tmpfiles:$(TMPFILESDIR)/hfttune.conf \
            0644:packaging/hfttune.catalog:$(CATALOGDIR)/hfttune.catalog \
            $(foreach p,$(MAN_PAGES),0644:$(p):$(MANDIR)/man$(subst .,,$(suffix $(p)))/$(notdir $(p))) \
            $(patsubst %,0644:%:$(BASHCOMPDIR)/hfttune,$(wildcard packaging/completion/hfttune.bash)) \
            $(patsubst %,0644:%:$(ZSHCOMPDIR)/_hfttune,$(wildcard packaging/completion/_hfttune)) \
            $(patsubst %,0644:%:$(FISHCOMPDIR)/hfttune.fish,$(wildcard packaging/completion/hfttune.fish)) \
            0644:COPYING:$(DOCDIR)/COPYING
DROPIN    = 0644:packaging/systemd/50-descriptor-store.conf:$(UNITDIR)/hfttuned.service.d/50-descriptor-store.conf
INSTALLER = DESTDIR='$(DESTDIR)' BINDIR='$(BINDIR)' SBINDIR='$(SBINDIR)' LIBDIR='$(LIBEXECDIR)' FORCE='$(FORCE)' \
            sh packaging/install.sh

$(O)/man/%: man/%.scd
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)scdoc < $< > $@.new
	@mv $@.new $@

man: $(MAN_PAGES)

# The directories are compiled in: another PREFIX needs other objects.
PLACES    = $(LIBEXECDIR) $(SBINDIR) $(PROFILEDIR) $(VERSION)
PLACE_SRC = $(shell grep -lE 'HFT_(VERSION|LIBEXECDIR|PROFILEDIR)' $(LIB_SRC) $(DAEMON_SRC) $(CLI_SRC) \
                     daemon/main.c cli/main.c 2>/dev/null)
$(call obj,$(PLACE_SRC)): $(O)/places
$(O)/places: force
	@mkdir -p $(@D)
	@echo '$(PLACES)' | cmp -s - $@ || echo '$(PLACES)' > $@

install: all man
	$(Q)$(INSTALLER) put $(INSTALLED) $(if $(shell test 0$(SYSTEMD_VERSION) -ge 254 && echo y),$(DROPIN))

# Refuses while layers are in force; FORCE=1 removes the programs all the same and keeps the state directory.
uninstall:
	$(Q)$(INSTALLER) remove $(INSTALLED) $(DROPIN)

# --- what a user types first, and what CI runs -----------------------------------------------------------------------

deps:
	@packaging/deps.sh build
test-deps:
	@packaging/deps.sh test

# Sub-makes, so that what deps installs is seen by what is built.
demo: deps
	$(Q)$(MAKE) --no-print-directory O=$(O) all hostdump
	$(Q)tests/demo.sh $(O)

# Compiled in half the time, and the traces are better.
SAN_CFLAGS = -O1 -g

# As many at once as there are CPUs, each told when it has ended.
SPREAD    = $(MAKE) --no-print-directory -j$(shell nproc) -Otarget

check: test-deps
	$(Q)$(SPREAD) O=$(O) all man unit lint
	$(Q)$(SPREAD) O=$(O)/san SAN=address,undefined FAULT=1 CFLAGS='$(SAN_CFLAGS)' all tools unit
	$(Q)$(SPREAD) O=$(O)/fault FAULT=1 bats
	$(Q)$(MAKE) --no-print-directory O=$(O) server-test

# --- the lab: whole machines under QEMU, see tests/lab; images are cached outside the tree (LAB_CACHE=) ---------------

# SCENARIO='a b' and GUEST=13 choose, SMOKE=1 takes what CI takes.
lab:
	$(Q)packaging/deps.sh lab
	$(Q)SCENARIO='$(SCENARIO)' GUEST='$(GUEST)' SMOKE='$(SMOKE)' tests/lab/run.sh '$(O)/lab'

# Breaks a copy of the code, promise by promise, and shows that the tests notice. MUTANTS=P7 runs those lines only.
mutants:
	$(Q)tests/mutants.sh $(if $(MUTANTS),'$(MUTANTS)')

clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: lab bats mutants server-tools server-test fuzz fuzz-build all unit lint clean man install uninstall hostdump force deps test-deps demo tools check bench
.SECONDARY:
