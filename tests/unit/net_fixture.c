/*
 * net_fixture.c - a server beside the test, and requests that are waited for.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/net_fixture.h"

static char folder[] = "/tmp/t_net.XXXXXX";
static char ports[256]; /* " kind=port kind=port" */
static pid_t server;
static int to_server = -1;

/* ---- the server ---------------------------------------------------------- */

static void
server_exec(int input, int output)
{
	dup2(input, 0);
	dup2(output, 1);
	execl("/usr/bin/python3", "python3", "tests/unit/net_server.py", folder,
	    (char *)NULL);
	_exit(127);
}

int
net_server_start(void **state)
{
	int in[2], out[2];
	FILE *answer;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(folder) == NULL || pipe(in) == -1 || pipe(out) == -1)
		return -1;
	server = fork();
	if (server == 0) {
		close(in[1]);
		server_exec(in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	to_server = in[1];
	answer = fdopen(out[0], "r");
	ports[0] = ' ';
	if (answer == NULL || server == -1 ||
	    fgets(ports + 1, sizeof(ports) - 1, answer) == NULL)
		return -1;
	fclose(answer);
	return 0;
}

int
net_server_stop(void **state)
{
	char command[64];

	(void)state;
	close(to_server);
	waitpid(server, NULL, 0);
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

const char *
net_server_file(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

const char *
net_url(const char *kind, const char *path)
{
	static char urls[4][128];
	static unsigned turn;
	char *url = urls[turn++ % 4], key[16];
	const char *port;

	snprintf(key, sizeof(key), " %s=", kind);
	port = strstr(ports, key);
	assert_non_null(port);
	snprintf(url, sizeof(urls[0]), "%s://localhost:%ld%s",
	    strcmp(kind, "http") == 0 ? "http" : "https",
	    strtol(port + strlen(key), NULL, 10), path);
	return url;
}

/* ---- a net and its requests ---------------------------------------------- */

int
net_fixture_open(void **state)
{
	struct net_config config = {
		.ca_file = net_server_file("ca.pem"),
		.shards_http1 = 4,
		.user_agent = "t_net",
	};
	char err[128];

	if (net_open((struct net **)state, &config, err, sizeof(err)) == 0)
		return 0;
	print_error("%s\n", err);
	return -1;
}

int
net_fixture_close(void **state)
{
	net_close((struct net **)state);
	return 0;
}

static void
keep(void *arg, const struct net_reply *reply)
{
	struct result *result = arg;

	assert_false(result->done);
	result->done = true;
	result->reply = *reply;
	result->reply.body = result->reply.error = NULL;
	snprintf(result->body, sizeof(result->body), "%s", reply->body);
	snprintf(result->error, sizeof(result->error), "%s", reply->error);
}

struct net_call
net_call_to(const char *url, const char *body, struct result *result)
{
	struct net_call call = {
		.url = url,
		.body = body,
		.body_len = body != NULL ? strlen(body) : 0,
		.timeout_ms = 5000,
		.connect_ms = 5000,
		.max_bytes = 65536,
		.done = keep,
		.arg = result,
	};

	memset(result, 0, sizeof(*result));
	return call;
}

void
net_run_until(struct net *net, const bool *flag, int ms)
{
	int64_t end_ms = clock_boot_ms() + ms;

	while (!*flag) {
		int left_ms = (int)(end_ms - clock_boot_ms());

		if (left_ms <= 0)
			fail_msg("not done after %d ms", ms);
		assert_int_not_equal(net_run(net, left_ms), -1);
	}
}

struct result
net_fetch(struct net *net, const struct net_call *wanted)
{
	struct net_call call = *wanted;
	struct result result;

	memset(&result, 0, sizeof(result));
	call.arg = &result;
	assert_non_null(net_start(net, &call));
	net_run_until(net, &result.done, (int)call.timeout_ms + 1000);
	return result;
}

struct result
net_get(struct net *net, const char *url)
{
	return net_post(net, url, NULL);
}

struct result
net_post(struct net *net, const char *url, const char *body)
{
	struct result unused;
	struct net_call call = net_call_to(url, body, &unused);

	return net_fetch(net, &call);
}

long
net_seen(struct net *net, const char *what)
{
	char path[64];

	snprintf(path, sizeof(path), "/seen/%s", what);
	return strtol(net_get(net, net_url("http", path)).body, NULL, 10);
}
