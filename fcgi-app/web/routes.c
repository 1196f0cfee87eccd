/*
 * routes.c - the table of paths.
 */
#include "web/routes.h"

#include <stdbool.h>
#include <string.h>

static const struct route {
	const char *path;
	const char *allow; /* the header line of a 405 */
	void (*get)(const struct status *, struct web_request *);
} routes[] = {
	/* The webhook has no function here: it needs a commit. */
	{ "/webhook", "Allow: POST", NULL },
	{ "/livez", "Allow: GET, HEAD", status_live },
	{ "/ping", "Allow: GET, HEAD", status_live },
	{ "/readyz", "Allow: GET, HEAD", status_ready },
	{ "/health", "Allow: GET, HEAD", status_ready },
	{ "/debug/sessions", "Allow: GET, HEAD", status_sessions },
};

static const struct route *
find(const char *path)
{
	size_t i;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

static bool
is_allowed(const struct route *route, const char *method)
{
	if (route->get == NULL)
		return strcmp(method, "POST") == 0;
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

enum drain_way
routes_sort(void *arg, struct web_request *req)
{
	const struct routes *self = arg;
	const struct route *route = find(req->path);

	if (route == NULL) {
		req->status = 404;
	} else if (!is_allowed(route, req->method)) {
		req->status = 405;
		req->header = route->allow;
	} else if (route->get != NULL) {
		return DRAIN_SERVE;
	} else if (webhook_prepare(&self->webhook, req)) {
		return DRAIN_COMMIT;
	}
	return DRAIN_ANSWER;
}

void
routes_serve(void *arg, struct web_request *req)
{
	const struct routes *self = arg;

	find(req->path)->get(&self->status, req);
}

uint32_t
routes_pace_us(void *arg)
{
	const struct routes *self = arg;

	return webhook_pace_us(&self->webhook);
}

void
routes_commit(void *arg, drain_gather_fn *gather, void *drain)
{
	const struct routes *self = arg;

	webhook_commit(&self->webhook, gather, drain);
}

void
routes_after(void *arg, struct web_request **requests, size_t n)
{
	const struct routes *self = arg;

	webhook_after(&self->webhook, requests, n);
}
