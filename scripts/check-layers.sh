#!/bin/bash
# check-layers.sh - are the rules of who includes whom kept?
#
#   check-layers.sh               prints each line that breaks one, exits 1
#   check-layers.sh --self-test   breaks each rule once, in a scratch folder
#
# main > process > web, jobs > bot, line, model, audio, net > base, downwards only; store
# stands beside them and knows base's headers at most.  A library's header has
# one home.  What stands below is the whole of the rules.
set -u
bad=0

rules()
{
	#    header         home
	only 'lmdb\.h'      'store/'
	only 'curl/.*'      'fcgi-app/net/'
	only 'fcgi.*\.h'    'fcgi-app/web/fcgi\.c'
	only 'openssl/.*'   'fcgi-app/line/signature\.c|store/seal\.c'
	only 'yajl/.*'      'fcgi-app/line/fields\.c'
	only 'lame/.*'      'fcgi-app/audio/mp3\.c'
	only 'utf8proc\.h'  'fcgi-app/base/fold\.c'
	only 'jansson\.h'   'fcgi-app/(line|model)/|fcgi-app/web/status\.c'

	#     folder         may include, of ours
	allow fcgi-app/base  'base/'
	allow fcgi-app/net   '(net|base)/'
	allow fcgi-app/line  '(line|base)/'
	allow fcgi-app/model '(model|base)/'
	allow fcgi-app/audio '(audio|base)/'
	allow fcgi-app/bot   '(bot|base)/|line/event\.h|store/store\.h'
	allow fcgi-app/jobs  '(jobs|bot|line|model|audio|net|base)/|store/store\.h'
	allow fcgi-app/web   '(web|bot|line|base)/|store/store\.h'
	allow fcgi-app/process \
		'(process|web|jobs|bot|line|model|audio|net|base)/|store/store\.h'
	allow fcgi-app/main  'process/|web/|jobs/|base/|store/store\.h'
	allow store/cleanup  'base/|audio/shelf\.h|store/store\.h'
	allow store          'store/|base/banned\.h'
	no_others

	#    warn  fail
	size 400   600
}

# Every #include of the sources, as "FILE:LINE:HEADER" with < or " in front.
includes()
{
	find fcgi-app store -name '*.[ch]' -exec grep -HnoE \
		'^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"][^>"]+' {} + |
		sed -E 's/:[^:]*include[[:space:]]*([<"])/:\1/'
}

complain() # RULE; the lines that break it come in on stdin
{
	local line
	while read -r line; do
		echo "$line: $1"
		bad=1
	done
}

only() # HEADER HOME
{
	complain "only in $2" < <(echo "$found" |
		grep -E "^[^:]+:[0-9]+:[<\"]$1\$" | grep -vE "^($2)")
}

# The first rule that names a file decides: cleanup.c's goes before store's.
allow() # FOLDER HEADERS
{
	complain "$1 may include $2" < <(echo "$found" | grep -v "^[^:]*:[0-9]*:<" |
		grep -E "^$1[/.]" | grep -vE "^[^:]+:[0-9]+:\"($2)" |
		grep -vE "^(${ruled:-none})[/.]")
	ruled+="${ruled:+|}$1"
}

no_others()
{
	complain 'no rule for this folder' < <(find fcgi-app store -name '*.[ch]' |
		grep -vE "^($ruled)[/.]")
}

size() # WARN FAIL
{
	local file lines
	while read -r lines file; do
		if [ "$lines" -gt "$2" ]; then
			echo "$file: $lines lines, at most $2: split it"
			bad=1
		elif [ "$lines" -gt "$1" ]; then
			echo "$file: $lines lines, above $1: look for the seam" >&2
		fi
	done < <(find fcgi-app store -name '*.[ch]' -exec wc -l {} \; | sort)
}

check()
{
	bad=0 ruled=''
	found=$(includes)
	rules
	return $bad
}

# --- self-test --------------------------------------------------------------

# breaks FILE INCLUDE: this line in this file must be found.
breaks()
{
	mkdir -p "$(dirname "$1")"
	echo "#include $2" >"$1"
	if check 2>/dev/null | grep -q "^$1:1:"; then
		kept=$((kept + 1))
	else
		echo "check-layers.sh: not found: $2 in $1"
		missed=1
	fi
	rm "$1"
}

self_test()
{
	local scratch lower kept=0 missed=0
	scratch=$(mktemp -d) || exit 1
	# shellcheck disable=SC2064
	trap "rm -rf '$scratch'" EXIT
	cd "$scratch" || exit 1
	mkdir -p fcgi-app/{base,net,line,model,audio,bot,jobs,web} store

	# What is allowed passes.
	echo '#include <lmdb.h>' >store/rec.c
	printf '#include %s\n' '<time.h>' '"base/log.h"' '"store/store.h"' \
		>store/cleanup.c
	echo '#include <fcgiapp.h>' >fcgi-app/web/fcgi.c
	printf '#include %s\n' '"web/fcgi.h"' '"jobs/engine.h"' >fcgi-app/main.c
	seq 600 >fcgi-app/base/long.c
	check 2>/dev/null || missed=1

	breaks fcgi-app/jobs/x.c '<lmdb.h>'
	breaks fcgi-app/line/x.c '<curl/curl.h>'
	breaks fcgi-app/web/routes.c '<fcgiapp.h>'
	breaks fcgi-app/main.c '<fcgi_stdio.h>'
	breaks fcgi-app/line/event.c '<openssl/hmac.h>'
	breaks store/rec.c '<openssl/evp.h>'
	breaks fcgi-app/jobs/x.h '<jansson.h>'
	breaks fcgi-app/line/event.c '<yajl/yajl_parse.h>'
	breaks fcgi-app/web/webhook.c ' <jansson.h>'
	breaks fcgi-app/audio/pcm.c '<lame/lame.h>'
	breaks fcgi-app/bot/command.c '<utf8proc.h>'
	for lower in net line model audio bot jobs web store; do
		breaks fcgi-app/base/x.h "\"$lower/x.h\""
	done
	for lower in net line model audio; do
		breaks fcgi-app/$lower/x.c '"bot/bot.h"'
		breaks fcgi-app/$lower/x.c '"jobs/job.h"'
		breaks fcgi-app/$lower/x.c '"web/fcgi.h"'
		breaks fcgi-app/$lower/x.c '"store/store.h"'
	done
	breaks fcgi-app/line/x.c '"net/net.h"'
	breaks fcgi-app/bot/x.c '"line/api.h"'
	breaks fcgi-app/bot/x.c '"jobs/job.h"'
	breaks fcgi-app/bot/x.c '"store/rec.h"'
	breaks fcgi-app/jobs/x.c '"web/fcgi.h"'
	breaks fcgi-app/jobs/x.c '"store/store_priv.h"'
	breaks fcgi-app/web/x.c '"jobs/engine.h"'
	breaks fcgi-app/web/x.c '"net/net.h"'
	breaks fcgi-app/web/x.c '"log.h"'
	breaks fcgi-app/main.c '"store/rec.h"'
	breaks fcgi-app/web/x.c '"process/process.h"'
	breaks fcgi-app/process/x.c '"store/rec.h"'
	breaks store/cleanup.c '"store/store_priv.h"'
	breaks store/cleanup.c '"net/net.h"'
	breaks store/cleanup.c '"audio/mp3.h"'
	for lower in base net line model audio bot jobs web; do
		breaks store/x.c "\"$lower/log.h\""
	done
	mkdir fcgi-app/new
	: >fcgi-app/new/x.c
	check 2>/dev/null | grep -q '^fcgi-app/new/x.c:' || {
		echo 'check-layers.sh: not found: a folder without a rule'
		missed=1
	}
	rm fcgi-app/new/x.c
	seq 601 >fcgi-app/base/long.c
	check 2>/dev/null | grep -q '^fcgi-app/base/long.c: 601 lines' || {
		echo 'check-layers.sh: not found: a file of 601 lines'
		missed=1
	}
	[ $missed = 0 ] || exit 1
	echo "check-layers.sh: found each of $((kept + 2)) broken rules"
}

case ${1-} in
'')
	cd "$(dirname "$0")/.." || exit 1
	check
	;;
--self-test) self_test ;;
*) echo 'usage: check-layers.sh [--self-test]' >&2; exit 2 ;;
esac
