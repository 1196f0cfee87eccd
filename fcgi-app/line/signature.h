/*
 * signature.h - is this body LINE's?
 *
 * X-Line-Signature is the base64 of HMAC-SHA256 over the body's bytes as they
 * came, keyed with the channel secret as it is written in the console.
 */
#ifndef LINE_SIGNATURE_H
#define LINE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

struct signature;

/* Makes a keyed context; NULL when memory is short. */
struct signature *signature_new(const char *secret);
void signature_free(struct signature *);

/*
 * True when header is the signature of body.  header may be NULL, and anything
 * but exactly 44 base64 characters is false.  The time it takes does not tell
 * how much of a wrong signature was right.  Several threads may share one
 * struct signature.
 */
bool signature_matches(struct signature *, const void *body, size_t len,
    const char *header);

#endif
