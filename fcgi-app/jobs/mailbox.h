/*
 * mailbox.h - how the accept threads tell the engine what they admitted.
 *
 * A mail is news, not a promise: the job itself is in the store, and a mail
 * that is lost with its process is found there by another one.
 */
#ifndef JOBS_MAILBOX_H
#define JOBS_MAILBOX_H

#include "bot/words.h"
#include "store/store.h"

struct mailbox;

enum mail_kind { MAIL_JOB = 0, MAIL_NOTICE };

struct mail {
	struct mail *next;
	enum mail_kind kind;
	struct store_lease lease; /* MAIL_JOB */
	enum words words;         /* MAIL_NOTICE: the sentence to reply */
	char token[];             /* MAIL_NOTICE: with this reply token */
};

/* New mailbox, or NULL.  Takes it and leaves NULL; unread mail is freed. */
struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox **);

/*
 * Posting, from any thread.  0, or -1 when memory is short: nothing posted.
 * The engine is not told before mailbox_ring(), so that a batch rings once.
 */
int mailbox_job(struct mailbox *, const struct store_lease *);
int mailbox_notice(struct mailbox *, enum words, const char *reply_token);
void mailbox_ring(struct mailbox *);

/* The descriptor that becomes readable after a ring; borrowed. */
int mailbox_fd(const struct mailbox *);

/* Takes all mail, oldest first, and silences the bell; free() each. */
struct mail *mailbox_take(struct mailbox *);

#endif
