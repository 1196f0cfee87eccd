/*
 * open.c - opening and closing a net: descriptors, certificates, shards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/heap.h"
#include "net/net_priv.h"

enum {
	SHARDS_MAX = 64,    /* for http */
	STREAMS = 100,      /* a connection: each event of it looks at all */
	STREAMS_LEAST = 25, /* a server that allows fewer makes us wait */
	HTTPS_LEAST = 4,    /* connections to one host */
	HTTPS_MOST = 64,    /* the next wait for room */
	KEEP_HTTPS = 64, /* a shard's connections, in use or kept for later */
	KEEP_HTTP = 256
};

static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct net_shard *shard = arg;
	struct net *net = shard->net;
	unsigned source = (unsigned)(shard - net->shards);
	uint32_t events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(net->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if ((what & CURL_POLL_IN) != 0)
		events |= EPOLLIN;
	if ((what & CURL_POLL_OUT) != 0)
		events |= EPOLLOUT;
	curl_multi_assign(shard->multi, fd, shard);
	return net_listen(net, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
	    fd, events, source);
}

static int
timer_changed(CURLM *multi, long timeout_ms, void *arg)
{
	struct net_shard *shard = arg;

	(void)multi;
	shard->timer_ms =
	    timeout_ms < 0 ? INT64_MAX : clock_boot_ms() + timeout_ms;
	return 0;
}

static int
shard_open(struct net *net, struct net_shard *shard, long keep)
{
	shard->net = net;
	shard->timer_ms = INT64_MAX;
	shard->multi = curl_multi_init();
	if (shard->multi == NULL)
		return -1;
	return curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION,
		   socket_changed) ||
	    curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard) ||
	    curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION,
		timer_changed) ||
	    curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard) ||
	    curl_multi_setopt(shard->multi, CURLMOPT_MAXCONNECTS, keep) ||
	    curl_multi_setopt(shard->multi, CURLMOPT_MAX_CONCURRENT_STREAMS,
		(long)STREAMS);
}

/*
 * While a connection is being made, libcurl makes another one for each request
 * that finds all others full, hundreds in a burst, where one would do for a
 * hundred of them: a TLS handshake costs as much as ten conversations.
 */
void
net_shard_allow(struct net_shard *shard)
{
	size_t wanted = HTTPS_LEAST + shard->n_active / STREAMS_LEAST;
	long most = wanted < HTTPS_MOST ? (long)wanted : HTTPS_MOST;

	if (shard - shard->net->shards >= NET_HTTPS ||
	    shard->connections == most)
		return;
	shard->connections = most;
	(void)curl_multi_setopt(shard->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
	    most);
}

static int
shards_open(struct net *net, unsigned http1)
{
	if (http1 < 1)
		http1 = 1;
	if (http1 > SHARDS_MAX)
		http1 = SHARDS_MAX;
	net->n_shards = NET_HTTPS + http1;
	net->shards = calloc(net->n_shards, sizeof(*net->shards));
	if (net->shards == NULL)
		return -1;
	for (unsigned i = 0; i < net->n_shards; i++) {
		if (shard_open(net, &net->shards[i],
			i < NET_HTTPS ? KEEP_HTTPS : KEEP_HTTP))
			return -1;
		net_shard_allow(&net->shards[i]);
	}
	return 0;
}

static int
share_open(struct net *net)
{
	net->share = curl_share_init();
	if (net->share == NULL)
		return -1;
	return curl_share_setopt(net->share, CURLSHOPT_SHARE,
		   CURL_LOCK_DATA_DNS) ||
	    curl_share_setopt(net->share, CURLSHOPT_SHARE,
		CURL_LOCK_DATA_SSL_SESSION);
}

/* A copy, or NULL for "" and NULL; -1 when memory is short. */
static int
copy_text(char **to, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	*to = strdup(text);
	return *to == NULL ? -1 : 0;
}

/*
 * libcurl keeps parsed certificates for the next connection only if they come
 * from a file, not from a folder, and parsing the system's takes ms; so the
 * folder is left out where there is a file.
 */
static int
texts_open(struct net *net, const struct net_config *config)
{
	const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
	const char *file = config->ca_file, *folder = NULL;

	if (file == NULL || file[0] == '\0') {
		file = curl->cainfo;
		if (file == NULL || access(file, R_OK) == -1)
			folder = curl->capath;
	}
	return copy_text(&net->ca_file, folder == NULL ? file : NULL) ||
	    copy_text(&net->ca_path, folder) ||
	    copy_text(&net->user_agent, config->user_agent);
}

static void
wake_ready(void *arg)
{
	struct net *net = arg;
	uint64_t count;
	ssize_t n;

	do
		n = read(net->wake_fd, &count, sizeof(count));
	while (n == -1 && errno == EINTR);
}

static int
descriptors_open(struct net *net)
{
	net->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	net->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (net->epoll_fd == -1 || net->wake_fd == -1)
		return -1;
	return net_watch(net, net->wake_fd, wake_ready, net);
}

static int
check_ca_file(const char *file, char *err, size_t err_size)
{
	if (file == NULL || file[0] == '\0' || access(file, R_OK) == 0)
		return 0;
	snprintf(err, err_size,
	    "CA_FILE %s: %s; correct it, or remove it for the system's", file,
	    strerror(errno));
	return -1;
}

/* NULL, or what could not be had; errno says why. */
static const char *
open_all(struct net *net, const struct net_config *config)
{
	if (descriptors_open(net) == -1)
		return "no descriptors";
	if (heap_start_curl() == -1)
		return "libcurl does not start";
	net->global = true;
	errno = ENOMEM;
	if (texts_open(net, config) || share_open(net) ||
	    shards_open(net, config->shards_http1))
		return "libcurl is short of memory";
	return NULL;
}

int
net_open(struct net **out, const struct net_config *config, char *err,
    size_t err_size)
{
	const char *missing = "no memory";
	struct net *net;

	*out = NULL;
	if (check_ca_file(config->ca_file, err, err_size) == -1)
		return -1;
	*out = net = calloc(1, sizeof(*net));
	if (net != NULL) {
		net->epoll_fd = net->wake_fd = -1;
		net->check_ms = INT64_MAX;
		TAILQ_INIT(&net->active);
		TAILQ_INIT(&net->idle);
		missing = open_all(net, config);
	}
	if (missing == NULL)
		return 0;
	snprintf(err, err_size, "net: %s: %s", missing, strerror(errno));
	net_close(out);
	return -1;
}

static void
idle_free(struct net *net)
{
	struct net_request *r;

	while ((r = TAILQ_FIRST(&net->idle)) != NULL) {
		TAILQ_REMOVE(&net->idle, r, link);
		net->n_idle--;
		net_request_free(r);
	}
}

/*
 * libcurl has no call that closes kept connections; those of HTTP/1.1 are as
 * many as there were requests at once.
 */
static void
shard_trim(struct net_shard *shard)
{
	CURLM *old = shard->multi;

	if (shard->n_active > 0)
		return;
	if (shard_open(shard->net, shard, KEEP_HTTP) == 0) {
		curl_multi_cleanup(old);
		return;
	}
	curl_multi_cleanup(shard->multi);
	shard->multi = old;
}

void
net_trim(struct net *net)
{
	idle_free(net);
	for (unsigned i = NET_HTTPS; i < net->n_shards; i++)
		shard_trim(&net->shards[i]);
	heap_trim();
}

static void
requests_close(struct net *net)
{
	struct net_request *r;

	while ((r = TAILQ_FIRST(&net->active)) != NULL)
		net_cancel(r);
	idle_free(net);
}

static void
descriptor_close(int fd)
{
	if (fd != -1)
		close(fd);
}

void
net_close(struct net **taken)
{
	struct net *net = *taken;

	*taken = NULL;
	if (net == NULL)
		return;
	requests_close(net);
	for (unsigned i = 0; net->shards != NULL && i < net->n_shards; i++)
		curl_multi_cleanup(net->shards[i].multi);
	curl_share_cleanup(net->share);
	if (net->global)
		curl_global_cleanup();
	descriptor_close(net->epoll_fd);
	descriptor_close(net->wake_fd);
	free(net->shards);
	free(net->ca_file);
	free(net->ca_path);
	free(net->user_agent);
	free(net);
}
