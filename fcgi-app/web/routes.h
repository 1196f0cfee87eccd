/*
 * routes.h - which path is answered by what.
 */
#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include "web/drain.h"
#include "web/status.h"
#include "web/webhook.h"

struct routes {
	struct webhook webhook;
	struct status status;
};

/*
 * Answers a drain's requests; fits struct drain_config.serve, arg is the
 * struct routes.  404 for a path that is not exactly one of ours, 405 with
 * Allow for a method that it does not have.
 */
void routes_serve(void *arg, struct web_request **, size_t n);

#endif
