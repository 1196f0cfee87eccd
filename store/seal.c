/*
 * seal - see seal.h; the store's only file that knows OpenSSL.
 *
 * Record: version (1), key id (1), nonce (12), tag (16), ciphertext.
 * Associated data: use (1), user hash (16), version (1).
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "store/seal.h"

enum {
	VERSION = 1,
	KEY_ID = 1, /* of the only key so far */
	NONCE = 12,
	TAG = 16,
	NONCE_AT = 2,
	TAG_AT = NONCE_AT + NONCE,
	AAD = 1 + SEAL_HASH + 1
};
_Static_assert(TAG_AT + TAG == SEAL_HEAD, "the head is what seal.h says");

/* What one thread needs at a time, with the keys already in. */
struct context {
	EVP_CIPHER_CTX *closing, *opening;
	EVP_MAC_CTX *mac;
	struct context *next;
};

struct seal {
	pthread_mutex_t lock;
	struct context *idle;
	uint8_t data_key[SEAL_KEY], id_key[SEAL_KEY];
};

/* Other users of OpenSSL in this thread must not find our errors. */
static bool
tidy(bool done)
{
	if (!done)
		ERR_clear_error();
	return done;
}

static void
context_free(struct context *c)
{
	EVP_CIPHER_CTX_free(c->closing);
	EVP_CIPHER_CTX_free(c->opening);
	EVP_MAC_CTX_free(c->mac);
	free(c);
}

static EVP_MAC_CTX *
mac_new(const uint8_t key[SEAL_KEY])
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
		    0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;

	EVP_MAC_free(hmac); /* the context holds its own reference */
	if (mac != NULL && EVP_MAC_init(mac, key, SEAL_KEY, params) != 1) {
		EVP_MAC_CTX_free(mac);
		mac = NULL;
	}
	return mac;
}

static struct context *
context_new(const struct seal *s)
{
	struct context *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->closing = EVP_CIPHER_CTX_new();
	c->opening = EVP_CIPHER_CTX_new();
	c->mac = mac_new(s->id_key);
	if (c->closing == NULL || c->opening == NULL || c->mac == NULL ||
	    EVP_EncryptInit_ex(c->closing, EVP_aes_256_gcm(), NULL, s->data_key,
		NULL) != 1 ||
	    EVP_DecryptInit_ex(c->opening, EVP_aes_256_gcm(), NULL, s->data_key,
		NULL) != 1) {
		context_free(c);
		return NULL;
	}
	return c;
}

static struct context *
context_take(struct seal *s)
{
	struct context *c;

	pthread_mutex_lock(&s->lock);
	c = s->idle;
	if (c != NULL)
		s->idle = c->next;
	pthread_mutex_unlock(&s->lock);
	if (c == NULL)
		c = context_new(s);
	tidy(c != NULL);
	return c;
}

static void
context_return(struct seal *s, struct context *c)
{
	pthread_mutex_lock(&s->lock);
	c->next = s->idle;
	s->idle = c;
	pthread_mutex_unlock(&s->lock);
}

static bool
derive(const uint8_t master[SEAL_KEY], const char *label, uint8_t *out)
{
	unsigned len = SEAL_KEY;

	return HMAC(EVP_sha256(), master, SEAL_KEY, (const uint8_t *)label,
		   strlen(label), out, &len) != NULL;
}

struct seal *
seal_new(const uint8_t master[SEAL_KEY])
{
	struct seal *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	if (!derive(master, "mededbot records 1", s->data_key) ||
	    !derive(master, "mededbot hashes 1", s->id_key)) {
		tidy(false);
		seal_free(s);
		return NULL;
	}
	return s;
}

void
seal_free(struct seal *s)
{
	struct context *c;

	if (s == NULL)
		return;
	while ((c = s->idle) != NULL) {
		s->idle = c->next;
		context_free(c);
	}
	pthread_mutex_destroy(&s->lock);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
}

static void
aad_make(uint8_t aad[AAD], enum seal_use use, const uint8_t user[SEAL_HASH])
{
	aad[0] = (uint8_t)use;
	memcpy(aad + 1, user, SEAL_HASH);
	aad[AAD - 1] = VERSION;
}

bool
seal_close(struct seal *s, enum seal_use use, const uint8_t user[SEAL_HASH],
    uint8_t *record, size_t len)
{
	uint8_t aad[AAD], *text = record + SEAL_HEAD;
	struct context *c = context_take(s);
	int n;
	bool done;

	if (c == NULL)
		return false;
	record[0] = VERSION;
	record[1] = KEY_ID;
	aad_make(aad, use, user);
	done = RAND_bytes(record + NONCE_AT, NONCE) == 1 &&
	    EVP_EncryptInit_ex(c->closing, NULL, NULL, NULL,
		record + NONCE_AT) == 1 &&
	    EVP_EncryptUpdate(c->closing, NULL, &n, aad, AAD) == 1 &&
	    EVP_EncryptUpdate(c->closing, text, &n, text, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(c->closing, text + len, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c->closing, EVP_CTRL_GCM_GET_TAG, TAG,
		record + TAG_AT) == 1;
	context_return(s, c);
	return tidy(done);
}

enum seal_rc
seal_open(struct seal *s, enum seal_use use, const uint8_t user[SEAL_HASH],
    uint8_t *record, size_t len, uint8_t **plain, size_t *plain_len)
{
	uint8_t aad[AAD], *text = record + SEAL_HEAD;
	struct context *c;
	int n;
	bool ready, done;

	if (len < SEAL_HEAD || record[0] != VERSION || record[1] != KEY_ID)
		return SEAL_BAD;
	c = context_take(s);
	if (c == NULL)
		return SEAL_FAILED;
	len -= SEAL_HEAD;
	aad_make(aad, use, user);
	ready = EVP_DecryptInit_ex(c->opening, NULL, NULL, NULL,
		    record + NONCE_AT) == 1 &&
	    EVP_DecryptUpdate(c->opening, NULL, &n, aad, AAD) == 1 &&
	    EVP_DecryptUpdate(c->opening, text, &n, text, (int)len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c->opening, EVP_CTRL_GCM_SET_TAG, TAG,
		record + TAG_AT) == 1;
	done = ready && EVP_DecryptFinal_ex(c->opening, text + len, &n) == 1;
	context_return(s, c);
	*plain = text;
	*plain_len = len;
	tidy(done);
	if (!ready)
		return SEAL_FAILED;
	return done ? SEAL_OK : SEAL_BAD;
}

/* HMAC-SHA256 of label and what follows it, its first half. */
static bool
hash(struct seal *s, const char *label, const void *what, size_t size,
    uint8_t out[SEAL_HASH])
{
	struct context *c = context_take(s);
	uint8_t whole[32];
	size_t len;
	bool done;

	if (c == NULL)
		return false;
	done = EVP_MAC_init(c->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(c->mac, (const uint8_t *)label, strlen(label)) ==
		1 &&
	    EVP_MAC_update(c->mac, what, size) == 1 &&
	    EVP_MAC_final(c->mac, whole, &len, sizeof(whole)) == 1;
	context_return(s, c);
	if (done)
		memcpy(out, whole, SEAL_HASH);
	return tidy(done);
}

bool
seal_hash_chat(struct seal *s, const char *chat, uint8_t out[SEAL_HASH])
{
	return hash(s, "chat:", chat, strlen(chat), out);
}

static bool
uuid(struct seal *s, const char *label, const void *what, size_t size,
    uint8_t out[SEAL_HASH])
{
	if (!hash(s, label, what, size, out))
		return false;
	out[6] = (out[6] & 0x0f) | 0x40; /* version 4 */
	out[8] = (out[8] & 0x3f) | 0x80; /* the variant of RFC 4122 */
	return true;
}

bool
seal_hash_retry(struct seal *s, const char *event_id, uint8_t out[SEAL_HASH])
{
	return uuid(s, "retry:", event_id, strlen(event_id), out);
}

bool
seal_hash_follow(struct seal *s, const uint8_t retry_key[SEAL_HASH],
    uint8_t out[SEAL_HASH])
{
	return uuid(s, "follow:", retry_key, SEAL_HASH, out);
}

bool
seal_hash_file(struct seal *s, const uint8_t retry_key[SEAL_HASH],
    uint8_t out[SEAL_HASH])
{
	return hash(s, "file:", retry_key, SEAL_HASH, out);
}
