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
 * The functions of a struct drain_config; arg is the struct routes.  404 for a
 * path that is not exactly one of ours, 405 with Allow for a method that it
 * does not have.
 */
enum drain_way routes_sort(void *arg, struct web_request *);
void routes_serve(void *arg, struct web_request *);
uint32_t routes_pace_us(void *arg);
void routes_commit(void *arg, drain_gather_fn *, void *drain);
void routes_after(void *arg, struct web_request **, size_t n);

#endif
