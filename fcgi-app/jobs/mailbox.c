/*
 * mailbox.c - a list behind a mutex, and an eventfd as its bell.
 */
#include "jobs/mailbox.h"

#include <sys/eventfd.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, **last;
	int bell;
};

struct mailbox *
mailbox_new(void)
{
	struct mailbox *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return NULL;
	box->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->bell == -1) {
		free(box);
		return NULL;
	}
	pthread_mutex_init(&box->lock, NULL);
	box->last = &box->first;
	return box;
}

void
mailbox_free(struct mailbox **boxp)
{
	struct mailbox *box = *boxp;
	struct mail *mail, *next;

	*boxp = NULL;
	if (box == NULL)
		return;
	for (mail = box->first; mail != NULL; mail = next) {
		next = mail->next;
		free(mail);
	}
	close(box->bell);
	pthread_mutex_destroy(&box->lock);
	free(box);
}

static void
post(struct mailbox *box, struct mail *mail)
{
	mail->next = NULL;
	pthread_mutex_lock(&box->lock);
	*box->last = mail;
	box->last = &mail->next;
	pthread_mutex_unlock(&box->lock);
}

int
mailbox_job(struct mailbox *box, const struct store_lease *lease)
{
	struct mail *mail = calloc(1, sizeof(*mail) + 1);

	if (mail == NULL)
		return -1;
	mail->kind = MAIL_JOB;
	mail->lease = *lease;
	post(box, mail);
	return 0;
}

int
mailbox_notice(struct mailbox *box, enum words words, const char *reply_token)
{
	size_t size = strlen(reply_token) + 1;
	struct mail *mail = calloc(1, sizeof(*mail) + size);

	if (mail == NULL)
		return -1;
	mail->kind = MAIL_NOTICE;
	mail->words = words;
	memcpy(mail->token, reply_token, size);
	post(box, mail);
	return 0;
}

void
mailbox_ring(struct mailbox *box)
{
	/* It fails only when the bell rings already. */
	(void)eventfd_write(box->bell, 1);
}

int
mailbox_fd(const struct mailbox *box)
{
	return box->bell;
}

struct mail *
mailbox_take(struct mailbox *box)
{
	struct mail *first;
	eventfd_t rings;

	(void)eventfd_read(box->bell, &rings);
	pthread_mutex_lock(&box->lock);
	first = box->first;
	box->first = NULL;
	box->last = &box->first;
	pthread_mutex_unlock(&box->lock);
	return first;
}
