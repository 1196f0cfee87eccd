/*
 * main.c - settings, log, socket; then process.c does the rest.
 */
#include <stdio.h>

#include "base/core.h"
#include "base/log.h"
#include "base/settings.h"
#include "process/options.h"
#include "process/process.h"
#include "web/fcgi.h"

/* The listening socket, or -1 with --drain, which needs none. */
static int
take_socket(const struct options *options, int *fd)
{
	*fd = options->drain ? -1 : fcgi_take_socket();
	if (*fd != -1 || options->drain)
		return 0;
	(void)fprintf(stderr,
	    "mededbot.fcgi: standard input is no listening socket: start it "
	    "from a web server (see scripts/serve.sh), or try --check or "
	    "--drain\n");
	return -1;
}

static int
serve(const struct options *options, const struct settings *settings)
{
	int fd;

	if (options->check) {
		settings_print(settings, stdout);
		return 0;
	}
	if (take_socket(options, &fd) == -1)
		return EXIT_USAGE;
	if (log_open(settings->log_file, (enum log_level)settings->log_level) ==
	    -1) {
		(void)fprintf(stderr,
		    "mededbot.fcgi: LOG_FILE %s: cannot be opened for "
		    "writing; make its folder or choose another file\n",
		    settings->log_file);
		return EXIT_REFUSED;
	}
	return process_serve(settings, fd);
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	struct settings settings;
	char err[SETTINGS_ERROR_MAX];
	int rc = options_read(argc, argv, &options);

	if (rc != -1)
		return rc;
	core_forbid();
	if (settings_load(&settings, settings_file(options.config), err,
		sizeof(err)) == -1) {
		(void)fprintf(stderr, "mededbot.fcgi: %s\n", err);
		return EXIT_REFUSED;
	}
	rc = serve(&options, &settings);
	settings_release(&settings);
	return rc;
}
