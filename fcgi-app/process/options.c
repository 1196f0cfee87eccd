/*
 * options.c - the command line of mededbot.fcgi.
 */
#include "process/options.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "Usage: mededbot.fcgi [--config FILE] [--check | --drain]\n"
    "\n"
    "Answers LINE webhooks as a FastCGI application.  A web server starts it,\n"
    "with a listening socket as its standard input.\n"
    "\n"
    "  --config FILE  settings (default: $MEDEDBOT_CONFIG, then ./.env)\n"
    "  --check        print the effective settings, secrets masked, and exit\n"
    "  --drain        finish jobs that no process owns, then exit (for cron)\n"
    "  --help         this text\n"
    "  --version      the version\n"
    "\n"
    "Exit status: 0 ended in order, 1 settings or store refused, 2 wrong use.\n"
    "See mededbot.fcgi(8).\n";

static int
usage(void)
{
	(void)fputs(help, stderr);
	return EXIT_USAGE;
}

int
options_read(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "drain", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'd':
			options->drain = true;
			break;
		case 'h':
			return fputs(help, stdout) == EOF;
		case 'v':
			return puts("mededbot 1.0") == EOF;
		default:
			return usage();
		}
	return optind == argc && !(options->check && options->drain) ? -1
								     : usage();
}
