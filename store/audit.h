/*
 * audit.h - what the files of a check share: audit.c walks through the tree
 * in slices, audit_table.c knows what must hold about a record, audit_user.c
 * about a user.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/store_priv.h"

enum fault {
	FAULT_KEY = 0,
	FAULT_RECORD,
	FAULT_SEALED,
	FAULT_NO_LANE,
	FAULT_UNFINISHED,
	FAULT_BUSY,
	FAULT_SEQ,
	FAULT_NO_STATE,
	FAULT_NO_PAYLOAD,
	FAULT_NO_REPLY,
	FAULT_STAYS,
	FAULT_LOST_REPLY,
	FAULT_BESIDE,
	FAULT_NO_DUE,
	FAULT_EXTRA_DUE,
	FAULT_LONE_DUE,
	FAULT_FAR_DUE,
	FAULT_OWNER,
	FAULT_SERIAL,
	FAULT_BOOT,
	FAULT_EVENT,
	FAULT_COUNT,
	FAULT_PAGES,
	NOTE_ORPHAN,
	NOTE_OVERDUE,
	NOTE_PAGES,
	NOTE_SUSPECT,
	FAULT__MAX
};

/* A user, put together from the records that lie side by side. */
struct subject {
	bool known; /* user is set */
	uint8_t user[USER];
	bool has_lane, lane_is_good;
	struct lane lane;
	size_t jobs; /* that have a state */
	bool busy_is_there;
	struct {
		bool known; /* id is set */
		struct store_job_id id;
		bool payload, reply, state;
		bool state_is_good;
		struct job job;
	} at; /* the job whose records come just now */
};

enum { FOUND_MAX = 200 };

struct audit {
	struct store_totals *totals;
	struct subject subject;
	struct roll roll;
	size_t dues;     /* entries of V */
	uint8_t *buffer; /* to open sealed records in */
	size_t buffer_size;
	struct store_fault found[FOUND_MAX]; /* in this slice */
	size_t n_found;
	/* How far the walk is. */
	struct key from; /* where the next slice begins */
	size_t records, bytes;
	uint64_t snapshot; /* 0: none yet */
	bool at_end;
};

/* Notes a fault; user and job may be NULL. */
void audit_fault(struct audit *, enum fault, const char *table,
    const uint8_t *user, const uint32_t *job);

/* Opens a sealed record in the audit's buffer; STORE_CORRUPT: it does not. */
enum store_rc audit_open(struct audit *, struct tx *, enum seal_use,
    const uint8_t user[USER], struct bytes sealed, struct bytes *plain);

/* Any record of the tree, in the order of the keys. */
enum store_rc audit_record(struct audit *, struct tx *, struct bytes key,
    struct bytes value);

/* A record of the table of users; the last user ends with audit_user_end(). */
enum store_rc audit_user(struct audit *, struct tx *, struct bytes key,
    struct bytes value);
enum store_rc audit_user_end(struct audit *, struct tx *);

#endif
