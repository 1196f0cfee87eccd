/* signature - HMAC-SHA256 of a body, compared with what its sender claims. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "line/signature.h"

enum { DIGEST_SIZE = 32, HEADER_LEN = 44 };

/*
 * Keyed once and begun anew for each check, which a copy would make ten times
 * as dear; mostly one thread checks.
 */
struct signature {
	pthread_mutex_t lock;
	EVP_MAC_CTX *keyed;
};

static EVP_MAC_CTX *
keyed_context(const char *secret)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string("digest", digest, sizeof(digest) - 1),
		OSSL_PARAM_END,
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	EVP_MAC_free(mac); /* the context holds it */
	if (EVP_MAC_init(ctx, (const unsigned char *)secret, strlen(secret),
		params) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

struct signature *
signature_new(const char *secret)
{
	struct signature *signature = malloc(sizeof(*signature));

	if (signature == NULL)
		return NULL;
	signature->keyed = keyed_context(secret);
	if (signature->keyed == NULL) {
		free(signature);
		return NULL;
	}
	pthread_mutex_init(&signature->lock, NULL);
	return signature;
}

void
signature_free(struct signature *signature)
{
	if (signature == NULL)
		return;
	EVP_MAC_CTX_free(signature->keyed);
	pthread_mutex_destroy(&signature->lock);
	free(signature);
}

static bool
digest_of(struct signature *signature, const void *body, size_t len,
    unsigned char digest[DIGEST_SIZE])
{
	EVP_MAC_CTX *ctx = signature->keyed;
	size_t n = 0;
	bool good;

	pthread_mutex_lock(&signature->lock);
	/* no key: the one it has (EVP_MAC(3)) */
	good = EVP_MAC_init(ctx, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(ctx, body, len) == 1 &&
	    EVP_MAC_final(ctx, digest, &n, DIGEST_SIZE) == 1 &&
	    n == DIGEST_SIZE;
	pthread_mutex_unlock(&signature->lock);
	return good;
}

/*
 * The decoder of OpenSSL forgives blanks and pads of any kind, so the form is
 * checked first.
 */
static bool
decode(const char *header, unsigned char claimed[DIGEST_SIZE])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	unsigned char bytes[HEADER_LEN / 4 * 3];

	if (header == NULL || strnlen(header, HEADER_LEN + 1) != HEADER_LEN ||
	    strspn(header, alphabet) != HEADER_LEN - 1 ||
	    header[HEADER_LEN - 1] != '=')
		return false;
	if (EVP_DecodeBlock(bytes, (const unsigned char *)header, HEADER_LEN) !=
	    sizeof(bytes))
		return false;
	memcpy(claimed, bytes, DIGEST_SIZE);
	return true;
}

bool
signature_matches(struct signature *signature, const void *body, size_t len,
    const char *header)
{
	unsigned char claimed[DIGEST_SIZE], digest[DIGEST_SIZE];

	return decode(header, claimed) &&
	    digest_of(signature, body, len, digest) &&
	    CRYPTO_memcmp(claimed, digest, DIGEST_SIZE) == 0;
}
