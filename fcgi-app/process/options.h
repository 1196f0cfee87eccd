/*
 * options.h - the command line of mededbot.fcgi.
 */
#ifndef PROCESS_OPTIONS_H
#define PROCESS_OPTIONS_H

#include <stdbool.h>

/* The process's exit statuses beside 0. */
enum { EXIT_REFUSED = 1 /* settings or store */, EXIT_USAGE = 2 };

struct options {
	const char *config; /* --config, or NULL; borrowed from argv */
	bool check, drain;
};

/*
 * Reads the command line: -1 to go on, otherwise the exit status, after help
 * or version went to stdout or a usage error to stderr.
 */
int options_read(int argc, char **argv, struct options *);

#endif
