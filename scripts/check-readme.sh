#!/bin/bash
# check-readme.sh - do README.md and .env.example say what the app does?
#
#   check-readme.sh [APP]      APP: build/mededbot.fcgi
#
# It asks the app itself: --check prints every key with its default, and a bad
# value makes it say what is allowed.  Compared are the settings table of
# README.md and all of .env.example.  The sentences that users see are compared
# with en.lang, the paths that README.md names with what is there.
set -u
umask 077
cd "$(dirname "$0")/.." || exit 1
app=$(realpath "${1:-build/mededbot.fcgi}")
[ -x "$app" ] || { echo "check-readme.sh: no program $app" >&2; exit 1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
required='LINE_CHANNEL_SECRET=s
LINE_CHANNEL_ACCESS_TOKEN=t
GEMINI_API_KEY=k'

# The app with the required keys, and LINE in the place of its own key's.
ask() # [LINE]
{
	{
		grep -v "^${1%%=*}=" <<<"$required"
		echo "$1"
	} >"$scratch/.env"
	env -i "$app" --config "$scratch/.env" --check 2>&1
}

# What is allowed for a key: no value, paths apart, may hold a blank, so the
# app refuses one and says what it would take.
allowed() # KEY
{
	local said
	said=$(ask "$1=\"~ ~\"") && { echo path; return; }
	said=${said##* is not }
	said=${said%% (*}
	case $said in
	'one of '*) said=${said#one of }; echo "${said//|/, }" ;;
	'a whole number from '* | 'a number from '*) echo "${said##* from }" ;;
	*' ASCII characters '*) echo "${said%% ASCII*} characters" ;;
	*' of the characters '*) echo 'model name' ;;
	'an https:'*) echo 'https address' ;;
	*': No such file'*) echo path ;;
	*) echo "? $said" ;;
	esac
}

# KEY|default, as the app sees it.
defaults()
{
	sed "s,=$scratch/,=./,
		s,=(set)\$,=required,
		s,=\$,=none,
		s,=,|,"
}

# KEY|default|allowed of README.md's table, whose order counts as well.
readme_table()
{
	# shellcheck disable=SC2016
	sed -n '/^## Settings/,/^## /s/^| `\([A-Z_]*\)` | /\1|/p' README.md |
		sed 's/`//g; s/ | /|/g' | cut -d'|' -f1-3
}

example_defaults()
{
	sed -nE 's/^#?([A-Z_]+)=(.*)$/\1|\2/p' .env.example |
		sed -E '/^(LINE_CHANNEL_|GEMINI_API_KEY)/s/\|$/|required/
			s/\|$/|none/'
}

compare() # WHAT FILE FILE
{
	diff "$2" "$3" >"$scratch/diff" && return
	echo "check-readme.sh: $1: < the app, > the text"
	grep '^[<>]' "$scratch/diff"
	bad=1
}

missing() # WHAT; the lines that README.md has to hold come in on stdin
{
	local line
	while IFS= read -r line; do
		grep -qF -- "$line" README.md && continue
		echo "check-readme.sh: README.md lacks $1: $line"
		bad=1
	done
}

# In English; what is filled in reads as "…".
sentences()
{
	sed -n '/^\[sentences\]/,/^\[/s/^[A-Z_]* = //p' \
		fcgi-app/bot/languages/en.lang | sed 's/{[a-z]*}/…/g'
}

# Links and paths in backquotes that begin with a folder of ours.
named_paths()
{
	{
		grep -oE '\]\([^):#]+\)' README.md | tr -d '])('
		# shellcheck disable=SC2016
		grep -oE '`(fcgi-app|store|scripts|tests|docs|man)/[^` *]*`' \
			README.md | tr -d '`'
	} | sort -u
}

ask '' >"$scratch/said" || {
	echo "check-readme.sh: $app does not start: $(cat "$scratch/said")"
	exit 1
}
defaults <"$scratch/said" >"$scratch/app"
while IFS='|' read -r key value; do
	echo "$key|$value|$(allowed "$key")"
done <"$scratch/app" >"$scratch/app.allowed"
readme_table >"$scratch/readme"
compare 'settings table of README.md' "$scratch/app.allowed" "$scratch/readme"
example_defaults | sort >"$scratch/example"
sort -o "$scratch/app" "$scratch/app"
compare .env.example "$scratch/app" "$scratch/example"
missing 'the sentence' < <(sentences)
while IFS= read -r path; do
	[ -e "$path" ] && continue
	echo "check-readme.sh: README.md names $path, which is not there"
	bad=1
done < <(named_paths)
exit $bad
