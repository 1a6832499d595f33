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
PROFILEDIR  = $(PREFIX)/lib/hfttune/profiles

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
DAEMON_LIBS = -lsystemd -lnuma -lcpupower -linih

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

# --- tests: each tests/unit/**/test_*.c is a program ---------------------------------------------------------------

UNIT_SRC  = $(shell find tests/unit -name 'test_*.c' 2>/dev/null)
UNIT_BIN  = $(patsubst %.c,$(O)/%,$(UNIT_SRC))

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(CLI_A) $(DAEMON_A) $(LIB_A)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) $(LIB_LIBS) -lcmocka

unit: $(UNIT_BIN)
	@for t in $(UNIT_BIN); do echo "== $$t"; $$t || exit 1; done

clean:
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: all unit clean
.SECONDARY:
