# MedEdBot: one Makefile for the whole tree; everything it makes is in build/.
#
#   make            build/mededbot.fcgi and build/mededbot-cleanup
#   make run        all on one machine: install what is missing, build, serve
#   make check      install what is missing, then every test there is
#
#   make deps       install what building needs (as root or with sudo)
#   make unit       unit tests          make unit SAN=address,undefined
#   make tsan       the tests with threads, under ThreadSanitizer
#   make valgrind   the store's tests under valgrind
#   make fuzz       each fuzzer for FUZZ_SECONDS (60)
#   make e2e        a real web server in front, SERVERS="lighttpd fcgid proxy"
#   make lint       clang-format, clang-tidy, cppcheck, shellcheck
#   make layers     are the rules of who includes whom kept?
#   make manlint    are the man pages well-formed?
#   make readme     do README.md and .env.example say what the app does?
#   make sim        the engine in SIM_HISTORIES (100000) simulated worlds
#   make torture    everything fails, in turn: TORTURE=short, or long
#   make bench      ratios against a responder that does nothing
#   make cost       of an admission, not above tests/bench/BASELINE
#   make bench-conversations    thousands of them at once, in one process
#   make bench-voice    two hundred voice messages at once, texts beside them
#   make install    PREFIX=/usr/local DESTDIR=
#   make clean
#
# V=1 shows the commands; WERROR= lets warnings pass; CC=clang BUILD=DIR builds
# beside the usual.

PREFIX = /usr/local
SERVERS = lighttpd fcgid proxy
FUZZ_SECONDS = 60

# What is being made, instead of how; nothing with -s.
SILENT = $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
SAY = $(if $(V),,@$(if $(SILENT),,echo "  $@";))

# ---- flags -----------------------------------------------------------------

comma = ,

# A sanitized build is another build: its own folder, clang, no fortify (which
# would hide calls from the sanitizers), the first error ends the program.
ifeq ($(SAN),)
BUILD = build
CC = gcc
HARDEN = -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
else
BUILD = build/san-$(subst $(comma),-,$(SAN))
CC = clang
HARDEN = -O1 -fsanitize=$(SAN) -fno-sanitize-recover=all \
	 -fno-omit-frame-pointer
endif

WARN = -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wmissing-prototypes \
       -Wstrict-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
       -Wswitch-enum -Wformat=2 -Wundef
WERROR = -Werror

CPPFLAGS = -D_GNU_SOURCE -I. -Ifcgi-app -include fcgi-app/base/banned.h
CFLAGS = -g
LDFLAGS =
ALL_CFLAGS = $(WARN) $(WERROR) $(HARDEN) -fPIE -pthread $(CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(HARDEN) \
	      $(LDFLAGS)
LIBS = -lfcgi -lcurl -ljansson -lyajl -llmdb -lcrypto -lmp3lame -lutf8proc

# ---- lists -----------------------------------------------------------------

# Every source but the two with a main is in the library; tests link it, too.
MAINS = fcgi-app/main.c store/cleanup.c
SRCS = $(filter-out $(MAINS),$(wildcard fcgi-app/*/*.c store/*.c))
UNIT = $(wildcard tests/unit/t_*.c)
UNIT_HELPERS = $(filter-out $(UNIT),$(wildcard tests/unit/*.c))
FUZZ = $(wildcard tests/fuzz/f_*.c)
BENCH_PARTS = $(wildcard tests/bench/upstream_*.c)
BENCH = $(filter-out $(BENCH_PARTS),$(wildcard tests/bench/*.c))
SHIMS = $(wildcard tests/torture/shims/*.c)
HOOKS = $(wildcard tests/torture/hooks/*.c)
TOOLS = $(wildcard tests/torture/tools/*.c)

# The store in memory, and the tests of the store's header that run on both.
MEMORY = $(wildcard tests/sim/memory_*.c)
BOTH_STORES = $(wildcard $(addprefix tests/unit/t_,admit.c answer.c breaker.c \
		steps.c store_clock.c sweep.c voice.c worker.c worker_suspect.c))

# The simulator, and what of the bot it looks at from outside.
SIM = $(filter-out tests/sim/memory_fixture.c,$(wildcard tests/sim/*.c))
SIM_WRAPS = store_admit store_load store_claim store_steps store_mark \
	    store_breaker_pass store_breaker_report store_pace \
	    delivery_judge engine_random \
	    helper_new helper_free helper_give helper_take_back helper_fd shelf_open voice_make
SIM_HISTORIES = 100000

# What runs in more than one thread, and what valgrind should see.
TSAN_TESTS = $(wildcard $(addprefix tests/unit/t_,engine*.c fcgi*.c helper*.c \
		log*.c mailbox*.c net*.c seal*.c signature*.c))
VALGRIND_TESTS = $(wildcard $(addprefix tests/unit/t_,admit*.c answer*.c \
		breaker*.c key*.c seal*.c steps*.c store*.c sweep*.c turn*.c voice*.c worker*.c))

# make unit TESTS=tests/unit/t_log.c runs that one alone.
TESTS = $(UNIT)

# One table of all languages.
LANGUAGES = $(BUILD)/fcgi-app/bot/languages.c

LIB = $(BUILD)/libmededbot.a
APP = $(BUILD)/mededbot.fcgi
CLEANUP = $(BUILD)/mededbot-cleanup
OBJS = $(SRCS:%.c=$(BUILD)/%.o) $(LANGUAGES:.c=.o)
UNIT_BINS = $(UNIT:%.c=$(BUILD)/%)
MEMORY_BINS = $(BOTH_STORES:%.c=$(BUILD)/%-memory)
FUZZ_BINS = $(FUZZ:%.c=$(BUILD)/%)
BENCH_BINS = $(BENCH:%.c=$(BUILD)/%)
SIM_BIN = $(BUILD)/tests/sim/sim
SHIM_LIBS = $(SHIMS:tests/torture/shims/%.c=$(BUILD)/shims/%.so)
HOOK_APPS = $(HOOKS:tests/torture/hooks/%.c=$(BUILD)/hooks/%/mededbot.fcgi)
TOOL_BINS = $(TOOLS:%.c=$(BUILD)/%)
TEST_OBJS = $(patsubst %.c,$(BUILD)/%.o,$(UNIT) $(UNIT_HELPERS) $(MEMORY) \
		$(SIM) $(FUZZ) $(BENCH) $(BENCH_PARTS) $(HOOKS) $(TOOLS))
DEPS = $(OBJS:.o=.d) $(MAINS:%.c=$(BUILD)/%.d) $(TEST_OBJS:.o=.d)

# ---- build -----------------------------------------------------------------

all: $(APP) $(CLEANUP)

$(APP): $(BUILD)/fcgi-app/main.o $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(CLEANUP): $(BUILD)/store/cleanup.o $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(LIB): $(OBJS)
	$(SAY) rm -f $@ && ar rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(SAY) $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LANGUAGES:.c=.o): $(LANGUAGES) $(BUILD)/flags
	$(SAY) $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The folder is named as well: it changes when a file comes or goes.
$(LANGUAGES): scripts/languages.py fcgi-app/bot/language.h \
		fcgi-app/bot/words.h fcgi-app/bot/command.h \
		fcgi-app/bot/languages $(wildcard fcgi-app/bot/languages/*)
	@mkdir -p $(@D)
	$(SAY) /usr/bin/python3 -B $< fcgi-app/bot >$@.new && mv $@.new $@

# Other flags, other objects: this file changes when they do.
FLAGS = $(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

-include $(wildcard $(DEPS))

# ---- tests -----------------------------------------------------------------

check:
	+@scripts/check.sh

deps:
	@scripts/deps.sh build

layers:
	@scripts/check-layers.sh --self-test
	@scripts/check-layers.sh

lint:
	@scripts/lint.sh

manlint:
	@scripts/lint.sh --man

readme: $(APP)
	@scripts/check-readme.sh $(APP)

$(UNIT_BINS): %: %.o $(UNIT_HELPERS:%.c=$(BUILD)/%.o) $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# Nothing of store/ is taken from the library: its functions are there already.
$(MEMORY_BINS): %-memory: %.o $(BUILD)/tests/unit/store_common.o \
		$(MEMORY:%.c=$(BUILD)/%.o) $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# One target per program, so that -j runs them side by side; TEST_WRAP is what
# runs them (valgrind).
RUN_UNIT = $(TESTS:tests/unit/%.c=run-%) \
	   $(patsubst tests/unit/%.c,run-%-memory,$(filter $(BOTH_STORES),$(TESTS)))
unit: $(RUN_UNIT)
$(RUN_UNIT): run-%: $(BUILD)/tests/unit/%
	@scripts/run-test.sh $(if $(SAN),--sanitized) $< $(TEST_WRAP)

tsan:
	@$(MAKE) --no-print-directory unit SAN=thread TESTS="$(TSAN_TESTS)"

valgrind:
	@$(MAKE) --no-print-directory unit TESTS="$(VALGRIND_TESTS)" \
	    TEST_WRAP="valgrind -q --error-exitcode=99 --leak-check=full \
	    --show-leak-kinds=definite --errors-for-leak-kinds=definite"

FUZZ_SAN = fuzzer-no-link,address,undefined
fuzz:
	@$(MAKE) --no-print-directory -j2 run-fuzz SAN=$(FUZZ_SAN) \
	    FUZZ_SECONDS=$(FUZZ_SECONDS)

$(FUZZ_BINS): private HARDEN += -fsanitize=fuzzer
$(FUZZ_BINS): %: %.o $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

RUN_FUZZ = $(FUZZ:tests/fuzz/%.c=run-%)
run-fuzz: $(RUN_FUZZ)
$(RUN_FUZZ): run-%: $(BUILD)/tests/fuzz/%
	@scripts/run-test.sh --fuzz $(FUZZ_SECONDS) $<

e2e: all $(HOOK_APPS)
	@E2E_SERVERS="$(SERVERS)" /usr/bin/python3 -B -m pytest -q \
	    -p no:cacheprovider tests/e2e

# The engine with another clock, store and network, on all cores; then each
# control, which must be noticed.
$(SIM_BIN): $(SIM:%.c=$(BUILD)/%.o) $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) $(SIM_WRAPS:%=-Wl,--wrap=%) -o $@ $^ \
	    $(LIBS)

sim: $(SIM_BIN)
	@$(if $(SAN),setarch -R) $(SIM_BIN) --histories $(SIM_HISTORIES)
	@$(if $(SAN),setarch -R) $(SIM_BIN) --controls

# A shim is preloaded, between a program and the kernel or a library.
$(BUILD)/shims/%.so: tests/torture/shims/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(SAY) $(CC) $(CPPFLAGS) $(WARN) $(WERROR) -O2 -g -fPIC -shared -o $@ \
	    $< -ldl

# A hook is the app with a few of its functions replaced while it is linked,
# those that its source names in a line "wraps:".  The app holds no test code.
$(BUILD)/hooks/%/mededbot.fcgi: $(BUILD)/tests/torture/hooks/%.o \
		$(BUILD)/fcgi-app/main.o $(LIB)
	@mkdir -p $(@D)
	$(SAY) $(CC) $(ALL_LDFLAGS) \
	    $$(sed -n '/wraps:/{s/.*wraps://;s/[^ ]*[a-z0-9_]/-Wl,--wrap=&/gp}' \
	    tests/torture/hooks/$*.c) -o $@ $^ $(LIBS)

# A tool looks into the store for a test.
$(TOOL_BINS): %: %.o $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# short takes at most three minutes, long at least fifteen.
TORTURE = short
torture: all $(SHIM_LIBS) $(HOOK_APPS) $(TOOL_BINS)
	@TORTURE=$(TORTURE) /usr/bin/python3 -B -m pytest -q \
	    -p no:cacheprovider tests/torture

$(BUILD)/tests/bench/upstream: $(BENCH_PARTS:%.c=$(BUILD)/%.o)
$(BUILD)/tests/bench/upstream: private LIBS += -lnghttp2 -lssl -lm
$(BENCH_BINS): %: %.o $(LIB)
	$(SAY) $(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

bench: all $(BENCH_BINS) $(BUILD)/shims/slow_flush.so
	@BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/bench.py

cost: $(BUILD)/tests/bench/txn
	@BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/cost.py --check

bench-conversations: all $(BENCH_BINS)
	@BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/conversations.py

bench-voice: all $(BENCH_BINS)
	@BUILD=$(BUILD) /usr/bin/python3 -B tests/bench/voice.py

# ---- the rest --------------------------------------------------------------

run:
	+@scripts/run.sh

SHARE = $(DESTDIR)$(PREFIX)/share/mededbot
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(SHARE)
	install $(APP) $(CLEANUP) $(DESTDIR)$(PREFIX)/bin
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install scripts/serve.sh $(SHARE)
	install -m 644 lighttpd.conf apache.conf scripts/htaccess \
	    scripts/mededbot.cron $(SHARE)
	install -m 644 .env.example $(SHARE)/env.example

# What a variable is: make -s print-CPPFLAGS
print-%:
	@echo '$($*)'

clean:
	rm -rf build

.PHONY: all check deps layers lint manlint readme unit tsan valgrind fuzz run-fuzz \
	e2e sim torture bench bench-conversations bench-voice cost run install \
	clean FORCE \
	$(RUN_UNIT) $(RUN_FUZZ)
