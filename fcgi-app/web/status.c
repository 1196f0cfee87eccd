/*
 * status.c - health and debug.
 */
#include "web/status.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum { SESSIONS_MAX = 500 };

static struct store_now
store_time(void)
{
	struct store_now now = {
		.wall_ms = clock_wall_ms(),
		.boot_ms = clock_boot_ms(),
	};

	(void)clock_boot_id(now.boot_id);
	return now;
}

void
status_live(const struct status *status, struct web_request *req)
{
	(void)status;
	req->status = 200;
	(void)buf_puts(req->answer, "ok\n");
}

void
status_ready(const struct status *status, struct web_request *req)
{
	enum store_rc rc = store_ready(status->store, store_time());
	const char *text = "store error\n";

	req->status = rc == STORE_OK ? 200 : 503;
	if (rc == STORE_OK)
		text = "ok\n";
	else if (rc == STORE_BUSY)
		text = "store busy: the write turn did not come\n";
	else if (rc == STORE_FULL)
		text = "store full: run mededbot-cleanup or raise "
		       "STORE_MAP_MB\n";
	(void)buf_puts(req->answer, text);
}

/* Compares in a time that does not tell how much was right. */
static bool
is_admin(const struct status *status, const char *authorization)
{
	static const char bearer[] = "Bearer ";
	const char *want = status->admin_token;
	size_t i, len = strlen(want);
	unsigned char differ = 0;

	if (authorization == NULL ||
	    strncmp(authorization, bearer, sizeof(bearer) - 1) != 0)
		return false;
	authorization += sizeof(bearer) - 1;
	if (strlen(authorization) != len)
		return false;
	for (i = 0; i < len; i++)
		differ |= (unsigned char)(authorization[i] ^ want[i]);
	return differ == 0;
}

static json_t *
session_json(const struct store_session_info *info)
{
	static const char *const states[] = {
		[STORE_IDLE] = "idle",
		[STORE_WORKING] = "busy",
		[STORE_HEARING] = "audio",
	};

	return json_pack("{s:s, s:s, s:I, s:o}", "user", info->user, "state",
	    states[info->state], "age_s", (json_int_t)(info->age_ms / 1000),
	    "job", info->job == 0 ? json_null() : json_integer(info->job));
}

static json_t *
sessions_json(const struct status *status)
{
	struct store_session_info *infos;
	struct store_stat stat;
	json_t *list = json_array();
	size_t i, n = 0;
	enum store_rc rc;

	infos = calloc(SESSIONS_MAX, sizeof(*infos));
	if (infos == NULL || list == NULL)
		goto fail;
	rc = store_stat(status->store, store_time(), &stat, infos, SESSIONS_MAX,
	    &n);
	if (rc != STORE_OK)
		goto fail;
	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, session_json(&infos[i]));
	free(infos);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "active",
	    (json_int_t)stat.active, "total", (json_int_t)stat.total,
	    "unfinished", (json_int_t)stat.unfinished, "dead",
	    (json_int_t)stat.dead, "used_pages", (json_int_t)stat.used_pages,
	    "map_pages", (json_int_t)stat.map_pages, "sessions", list);
fail:
	free(infos);
	json_decref(list);
	return NULL;
}

void
status_sessions(const struct status *status, struct web_request *req)
{
	json_t *json;

	if (status->admin_token[0] == '\0') {
		req->status = 404;
		return;
	}
	if (!is_admin(status, req->authorization)) {
		req->status = 401;
		req->header = "WWW-Authenticate: Bearer";
		return;
	}
	json = sessions_json(status);
	req->type = "application/json";
	req->status = 200;
	if (json == NULL ||
	    json_dump_callback(json, buf_sink, req->answer, JSON_COMPACT) == -1)
		req->status = 503;
	json_decref(json);
}
