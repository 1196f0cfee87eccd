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
	/* The webhook has no function here: all of a drain go together. */
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

void
routes_serve(void *arg, struct web_request **requests, size_t n)
{
	const struct routes *self = arg;
	struct web_request *hooks[DRAIN_MAX];
	const struct route *route;
	size_t i, n_hooks = 0;

	for (i = 0; i < n; i++) {
		route = find(requests[i]->path);
		if (route == NULL) {
			requests[i]->status = 404;
		} else if (!is_allowed(route, requests[i]->method)) {
			requests[i]->status = 405;
			requests[i]->header = route->allow;
		} else if (route->get != NULL) {
			route->get(&self->status, requests[i]);
		} else {
			hooks[n_hooks++] = requests[i];
		}
	}
	if (n_hooks > 0)
		webhook_serve(&self->webhook, hooks, n_hooks);
}
