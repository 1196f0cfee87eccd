/*
 * reply.c - what the end of an exchange means.
 *
 * Whether a request has left is known from CURLINFO_REQUEST_SIZE: it counts
 * each byte that a socket, TLS or HTTP/2 took, over all attempts, from 0 at
 * the start of an exchange.
 */
#include "base/clock.h"
#include "net/net_priv.h"

static enum net_end
end_of(const struct net_request *r, CURLcode rc)
{
	long sent = 0;

	if (rc == CURLE_OK)
		return NET_ANSWERED;
	if (r->too_big || rc == CURLE_FILESIZE_EXCEEDED)
		return NET_TOO_BIG;
	curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0 ? NET_NOT_SENT : NET_UNKNOWN;
}

/*
 * libcurl's longer text only where nothing of the other side's bytes can be
 * in it but its certificate's.
 */
static const char *
error_of(const struct net_request *r, enum net_end end, CURLcode rc)
{
	if (end == NET_ANSWERED)
		return "";
	if (end == NET_TOO_BIG)
		return "the answer is too big";
	if (rc == CURLE_ABORTED_BY_CALLBACK)
		return "a kept connection was closed without an answer";
	if (end == NET_NOT_SENT && rc != CURLE_URL_MALFORMAT &&
	    r->error[0] != '\0')
		return r->error;
	return curl_easy_strerror(rc);
}

static void
copy_request_id(CURL *easy, char *id, size_t size)
{
	struct curl_header *header;
	size_t n = 0;

	if (curl_easy_header(easy, "x-line-request-id", 0, CURLH_HEADER, -1,
		&header) == CURLHE_OK)
		while (n + 1 < size && header->value[n] > ' ' &&
		    header->value[n] <= '~') {
			id[n] = header->value[n];
			n++;
		}
	id[n] = '\0';
}

static void
fill_times(const struct net_request *r, struct net_reply *reply)
{
	curl_off_t tcp_us = 0, tls_us = 0, retry_s = 0;
	long connections = 0;

	curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connections);
	curl_easy_getinfo(r->easy, CURLINFO_CONNECT_TIME_T, &tcp_us);
	curl_easy_getinfo(r->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
	curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &retry_s);
	if (connections > 0)
		reply->connect_ms =
		    (uint32_t)((r->plain ? tcp_us : tls_us) / 1000);
	reply->total_ms = (uint32_t)(clock_boot_ms() - r->start_ms);
	reply->retry_after_s =
	    retry_s > UINT32_MAX ? UINT32_MAX : (uint32_t)retry_s;
}

void
net_request_finish(struct net_request *r, CURLcode rc)
{
	struct net_reply reply = { .end = end_of(r, rc) };
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	reply.status = (int)status;
	reply.body = r->body.data != NULL ? r->body.data : "";
	reply.len = r->body.len;
	reply.timed_out = rc == CURLE_OPERATION_TIMEDOUT;
	reply.error = error_of(r, reply.end, rc);
	fill_times(r, &reply);
	copy_request_id(r->easy, reply.request_id, sizeof(reply.request_id));
	net_request_end(r);
	r->done(r->arg, &reply);
	net_request_put(r);
}
