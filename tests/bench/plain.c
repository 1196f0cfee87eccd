/*
 * plain - a FastCGI responder that makes a webhook durable in the plain way.
 *
 * The same steps as MedEdBot's: read the body, check LINE's signature over it,
 * parse it (duplicate names refused), and in one fully synced transaction ask
 * whether the event came before, whether its user is being answered, whether
 * he and all users together have tokens left, and write down the event, both
 * buckets, the lease and the job; then 200.
 *
 * Plain means: one process and one thread in libfcgi's ordinary loop, a commit
 * for each webhook, and five records in five named databases of LMDB, as its
 * manual shows them.  It does less than MedEdBot: nothing is encrypted, users
 * stand in the keys as they are, no worker is woken, nothing is logged, nobody
 * takes over what a dead process leaves.  So it has the advantage of all that.
 *
 * PLAIN_SECRET is the channel secret, PLAIN_DIR a folder for the data, which
 * is made, PLAIN_MAP_MB its size, allocated at once, as MedEdBot's.
 */
#include <fcgiapp.h>
#include <fcntl.h>
#include <jansson.h>
#include <lmdb.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	BODY_MAX = 1 << 20,
	JOB_MAX = 4096,
	TOKENS = 100000, /* as the settings of the bench */
	LEASE_MS = 60000
};

enum table { EVENTS, EVERYBODY, USERS, LEASES, JOBS, TABLES };

struct bucket {
	int64_t since_ms, tokens;
};

struct lease {
	int64_t until_ms;
	int32_t owner;
};

/* Borrowed from the parsed body. */
struct event {
	const char *id, *user, *reply_token, *quote_token, *text;
};

static const char *secret;
static MDB_env *env;
static MDB_dbi tables[TABLES];

static void
need(bool so, const char *what)
{
	if (so)
		return;
	(void)fprintf(stderr, "plain: %s failed\n", what);
	exit(1);
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the store ----------------------------------------------------------- */

static void
allocate(const char *dir, size_t bytes)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd != -1 && fallocate(fd, 0, 0, (off_t)bytes) == 0, "allocate");
	close(fd);
}

static void
store_start(void)
{
	static const char *const names[TABLES] = { "events", "everybody",
		"users", "leases", "jobs" };
	const char *dir = getenv("PLAIN_DIR"), *mb = getenv("PLAIN_MAP_MB");
	MDB_txn *txn;
	size_t bytes;

	need(dir != NULL && mb != NULL && secret != NULL, "environment");
	bytes = strtoul(mb, NULL, 10) << 20;
	(void)mkdir(dir, 0700);
	need(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, bytes) == 0,
	    "mdb_env_create");
	need(mdb_env_set_maxdbs(env, TABLES) == 0 &&
		mdb_env_open(env, dir, 0, 0600) == 0,
	    "mdb_env_open");
	allocate(dir, bytes); /* an empty file of that size is refused */
	need(mdb_txn_begin(env, NULL, 0, &txn) == 0, "mdb_txn_begin");
	for (int i = 0; i < TABLES; i++)
		need(mdb_dbi_open(txn, names[i], MDB_CREATE, &tables[i]) == 0,
		    "mdb_dbi_open");
	need(mdb_txn_commit(txn) == 0, "mdb_txn_commit");
}

static MDB_val
key_of(const char *text)
{
	return (MDB_val){ strlen(text), (void *)(uintptr_t)text };
}

static bool
get(MDB_txn *txn, enum table table, const char *name, void *to, size_t size)
{
	MDB_val key = key_of(name), value;

	if (mdb_get(txn, tables[table], &key, &value) != 0 ||
	    value.mv_size != size)
		return false;
	memcpy(to, value.mv_data, size);
	return true;
}

static bool
put(MDB_txn *txn, enum table table, const char *name, const void *from,
    size_t size)
{
	MDB_val key = key_of(name), value = { size, (void *)(uintptr_t)from };

	return mdb_put(txn, tables[table], &key, &value, 0) == 0;
}

/* Refilled, and a token paid: false when it has none. */
static bool
take_token(MDB_txn *txn, enum table table, const char *name, int64_t now)
{
	struct bucket bucket = { now, TOKENS };

	if (get(txn, table, name, &bucket, sizeof(bucket))) {
		bucket.tokens += (now - bucket.since_ms) * TOKENS / 1000;
		if (bucket.tokens > TOKENS)
			bucket.tokens = TOKENS;
		bucket.since_ms = now;
	}
	if (bucket.tokens == 0)
		return false;
	bucket.tokens--;
	return put(txn, table, name, &bucket, sizeof(bucket));
}

static bool
put_job(MDB_txn *txn, const struct event *e, int64_t now)
{
	char job[JOB_MAX];
	int n = snprintf(job, sizeof(job), "%s\n%s\n%s\n%lld\n%s", e->user,
	    e->reply_token, e->quote_token, (long long)now, e->text);

	return n > 0 && n < JOB_MAX && put(txn, JOBS, e->id, job, (size_t)n);
}

static bool
admit_event(MDB_txn *txn, const struct event *e)
{
	int64_t now = now_ms(), seen;
	struct lease lease = { 0, 0 };

	if (get(txn, EVENTS, e->id, &seen, sizeof(seen)))
		return true;
	if (!put(txn, EVENTS, e->id, &now, sizeof(now)))
		return false;
	if (get(txn, LEASES, e->user, &lease, sizeof(lease)) &&
	    lease.until_ms > now)
		return true;
	if (!take_token(txn, USERS, e->user, now) ||
	    !take_token(txn, EVERYBODY, "all", now))
		return false;
	lease.until_ms = now + LEASE_MS;
	lease.owner = getpid();
	return put(txn, LEASES, e->user, &lease, sizeof(lease)) &&
	    put_job(txn, e, now);
}

/* ---- a webhook ----------------------------------------------------------- */

static bool
is_signed(const char *body, size_t len, const char *claimed)
{
	unsigned char mac[EVP_MAX_MD_SIZE], text[64];
	unsigned n;

	if (claimed == NULL ||
	    HMAC(EVP_sha256(), secret, (int)strlen(secret),
		(const unsigned char *)body, len, mac, &n) == NULL)
		return false;
	n = (unsigned)EVP_EncodeBlock(text, mac, (int)n);
	return strlen(claimed) == n && CRYPTO_memcmp(claimed, text, n) == 0;
}

static bool
parse_event(json_t *json, struct event *e)
{
	*e = (struct event){ .quote_token = "" };
	return json_unpack(json, "{s:s, s:s, s:{s:s}, s:{s:s, s?s}}",
		   "webhookEventId", &e->id, "replyToken", &e->reply_token,
		   "source", "userId", &e->user, "message", "text", &e->text,
		   "quoteToken", &e->quote_token) == 0;
}

/* The status. */
static int
admit_body(json_t *events)
{
	struct event e;
	MDB_txn *txn;
	json_t *json;
	size_t i;

	if (mdb_txn_begin(env, NULL, 0, &txn) != 0)
		return 503;
	json_array_foreach (events, i, json) {
		if (!parse_event(json, &e))
			continue;
		if (!admit_event(txn, &e)) {
			mdb_txn_abort(txn);
			return 503;
		}
	}
	return mdb_txn_commit(txn) == 0 ? 200 : 503;
}

static int
serve(FCGX_Request *request, char *body)
{
	const char *length = FCGX_GetParam("CONTENT_LENGTH", request->envp);
	const char *claimed =
	    FCGX_GetParam("HTTP_X_LINE_SIGNATURE", request->envp);
	int n = FCGX_GetStr(body, BODY_MAX, request->in), status = 400;
	json_t *json;

	if (length == NULL || n != (int)strtol(length, NULL, 10))
		return 400;
	if (!is_signed(body, (size_t)n, claimed))
		return 401;
	json = json_loadb(body, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		status = admit_body(json_object_get(json, "events"));
	json_decref(json);
	return status;
}

int
main(void)
{
	FCGX_Request request;
	static char body[BODY_MAX];

	secret = getenv("PLAIN_SECRET");
	store_start();
	need(FCGX_Init() == 0 && FCGX_InitRequest(&request, 0, 0) == 0,
	    "FCGX_Init");
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_FPrintF(request.out,
		    "Status: %d\r\nContent-Length: 0\r\n\r\n",
		    serve(&request, body));
		FCGX_Finish_r(&request);
	}
	return 0;
}
