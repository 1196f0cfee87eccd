/*
 * status.h - is it alive, can it work, who is being answered?
 */
#ifndef WEB_STATUS_H
#define WEB_STATUS_H

#include "store/store.h"
#include "web/fcgi.h"

/* Borrowed; shared by the accept threads. */
struct status {
	struct store *store;
	const char *admin_token; /* "": /debug does not exist */
};

/* GET /livez, /ping: 200 "ok" whenever the process can answer. */
void status_live(const struct status *, struct web_request *);

/* GET /readyz, /health: 200 "ok", or 503 and what an admission would meet. */
void status_ready(const struct status *, struct web_request *);

/*
 * GET /debug/sessions with "Authorization: Bearer ADMIN_TOKEN": JSON with the
 * counts and up to 500 users, those at work first.  404 when ADMIN_TOKEN is
 * not set, 401 for a wrong one.  Users are shown by a keyed hash.
 */
void status_sessions(const struct status *, struct web_request *);

#endif
