#!/bin/bash
# check-readme.sh - do README.md and .env.example say what the app does?
#
#   check-readme.sh [APP]      APP: build/mededbot.fcgi
#
# It asks the app itself: --check prints every key with its default, and a bad
# value makes it say what is allowed.  Compared are the settings table of
# README.md and all of .env.example.  The sentences that users see are compared
# with words.c, the paths that README.md names with what is there.
set -u
cd "$(dirname "$0")/.." || exit 1
app=$(realpath "${1:-build/mededbot.fcgi}")
[ -x "$app" ] || { echo "check-readme.sh: no program $app" >&2; exit 1; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0

# The app with a settings file of the required keys and the given line more.
ask()
{
	printf '%s\n' LINE_CHANNEL_SECRET=s LINE_CHANNEL_ACCESS_TOKEN=t \
		GEMINI_API_KEY=k "$@" >"$scratch/.env"
	chmod 600 "$scratch/.env"
	env -i "$app" --config "$scratch/.env" --check 2>&1
}

# What README.md's third column says about a key: no value of it, paths apart,
# may hold a blank, so the app refuses and says what it would take.
allowed() # KEY
{
	local said key=$1
	said=$(printf '%s\n' LINE_CHANNEL_SECRET=s LINE_CHANNEL_ACCESS_TOKEN=t \
		GEMINI_API_KEY=k | grep -v "^$key=")
	printf '%s\n' "$said" "$key=\"~ ~\"" >"$scratch/.env"
	said=$(env -i "$app" --config "$scratch/.env" --check 2>&1) &&
		{ echo path; return; }
	said=${said##* is not }
	said=${said%% (*}
	case $said in
	'one of '*) said=${said#one of }; echo "${said//|/, }" ;;
	'a whole number from '* | 'a number from '*) echo "${said##* from }" ;;
	*' ASCII characters '*) echo "${said%% ASCII*} characters" ;;
	*' of the characters '*) echo 'model name' ;;
	*) echo 'https address' ;;
	esac
}

# KEY|default, as the app sees it.
defaults()
{
	ask | sed "s|=$scratch/|=./|; s|=(set)\$|=required|; s|=\$|=none|; s|=|\||"
}

# KEY|default|allowed of README.md's table; also the order counts.
readme_table()
{
	sed -n '/^## Settings/,/^## /s/^| `\([A-Z_]*\)` | `\{0,1\}\([^`|]*[^`| ]\)`\{0,1\} | \([^|]*[^| ]\) |.*/\1|\2|\3/p' \
		README.md
}

example_defaults()
{
	sed -nE 's/^#?([A-Z_]+)=(.*)$/\1|\2/p' .env.example |
		sed -E '/^(LINE_CHANNEL_|GEMINI_API_KEY)/s/\|$/|required/; s/\|$/|none/'
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

# Literals that stand side by side are one.
sentences()
{
	tr '\n\t' '  ' <fcgi-app/bot/words.c | sed 's/" *"//g' |
		grep -oE '\[WORDS_[A-Z_]+\] = *"[^"]*"' | cut -d'"' -f2
}

# Links and paths in backquotes that begin with a folder of ours.
named_paths()
{
	{
		grep -oE '\]\([^):#]+\)' README.md | tr -d '])('
		grep -oE '`(fcgi-app|store|scripts|tests|docs|man)/[^` *]*`' \
			README.md | tr -d '`'
	} | sort -u
}

defaults >"$scratch/app"
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
