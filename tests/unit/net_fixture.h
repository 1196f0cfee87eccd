/*
 * net_fixture.h - what t_net*.c share: the server of net_server.py, one per
 * program, and requests that are waited for.
 */
#ifndef UNIT_NET_FIXTURE_H
#define UNIT_NET_FIXTURE_H

#include "net/net.h"

/* Group setup and teardown: the server, and its certificates in a folder. */
int net_server_start(void **state);
int net_server_stop(void **state);

/* Test setup and teardown: *state is a struct net that trusts the server. */
int net_fixture_open(void **state);
int net_fixture_close(void **state);

/* Path of a file in the server's folder; static, until the next call. */
const char *net_server_file(const char *name);

/* "scheme://localhost:PORT/path" of a kind of port; static, of 4 turns. */
const char *net_url(const char *kind, const char *path);

/* What came of a request; the texts that reply pointed to are copied. */
struct result {
	bool done;
	struct net_reply reply;
	char body[256], error[256];
};

/* A call with limits of seconds, whose done fills in result. */
struct net_call net_call_to(const char *url, const char *body, struct result *);

/* Runs until *flag is true, or fails the test after ms. */
void net_run_until(struct net *, const bool *flag, int ms);

/* Starts and runs to the end. */
struct result net_fetch(struct net *, const struct net_call *);
struct result net_get(struct net *, const char *url);
struct result net_post(struct net *, const char *url, const char *body);

/* How often the server has seen a path or one of its other events. */
long net_seen(struct net *, const char *what);

#endif
