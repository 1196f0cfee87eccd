/*
 * sim.h - the whole bot in one thread, on a clock of its own.
 *
 * A history is what happens to a few users, processes and upstreams in some
 * minutes of simulated time.  The job engines are the real ones; the store is
 * the one in memory, the network, LINE and the model are played here.  All
 * chance comes from one generator, so that a seed is a history.
 *
 * A process that is to die does so at a call of the store or of the network:
 * from then on nothing it does has an effect, no answer reaches it, and when
 * its turn returns it is thrown away.  To the others that is kill -9 at that
 * call.  A process that stalls at a call does not return from it before the
 * others have lived on for as long.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/settings.h"
#include "jobs/engine.h"
#include "net/net.h"
#include "store/store.h"

enum {
	PROCS_MAX = 4,
	USERS_MAX = 4,
	EVENTS_MAX = 32,
	HELPER_FD = -2,
	TEXT_MAX = 48,
	KEY_TEXT = 40,
	TOKEN_MS = 60000,           /* LINE: after a delivery */
	TOKEN_LATE_MS = 20 * 60000, /* LINE: since the event, redelivered */
	KEY_MS = 24 * 3600 * 1000,  /* LINE remembers a retry key */
	DRAIN_MS = 30 * 60000       /* calm, until all must have ended */
};

/* ------------------------------------------------------------- chance -- */

/* What can go wrong, each with a chance in a thousand at every occasion. */
enum fault {
	FAULT_CRASH = 0,   /* the process dies at a call */
	FAULT_STALL,       /* it stands still at a call, or between turns */
	FAULT_STORE,       /* the store is busy, full or fails */
	FAULT_NOT_SENT,    /* no connection */
	FAULT_LOST,        /* the request does not arrive */
	FAULT_ANSWER_LOST, /* the answer does not */
	FAULT_SLOW,        /* both take long */
	FAULT_MODEL,       /* the model's errors */
	FAULT_CONTENT,     /* LINE does not give the recording, or another */
	FAULT_STT,         /* errors of who writes recordings down */
	FAULT_TTS,         /* errors of who reads answers aloud */
	FAULT_ENCODER,     /* no file comes of what was read */
	FAULT_LINE_BEFORE, /* LINE's 5xx and 429, nothing done */
	FAULT_LINE_AFTER,  /* LINE's 5xx although it was done */
	FAULT_LINE_REFUSE, /* LINE does not want the content, or the user */
	FAULT_LINE_AUTH,   /* LINE does not want our token, for a while */
	FAULT_LINE_QUOTA,  /* no push is left */
	FAULT_WEBHOOK,     /* webhooks are delivered twice */
	FAULT_STOP,        /* a process is asked to end */
	FAULT_WALL,        /* the wall clock jumps by a day */
	FAULT_BOOT,        /* the machine is booted */
	FAULT__MAX
};
extern const char *const fault_names[FAULT__MAX];

uint32_t sim_random(void);
uint32_t sim_below(uint32_t n);                /* 0 .. n - 1 */
int64_t sim_between(int64_t from, int64_t to); /* both included */
/* Does it happen now?  Never when all is calm; counts what happened. */
bool sim_fault(enum fault);

/* ---------------------------------------------------------- processes -- */

struct proc {
	unsigned number;    /* of all that ever lived; 0: none here */
	bool muted;         /* dead, but still on the stack */
	bool frozen;        /* stands still */
	bool stopping;      /* hands its jobs over */
	bool rung;          /* there is mail */
	unsigned depth;     /* calls of ours on the stack */
	int64_t start_ms;   /* the next one takes its place then */
	int64_t thaw_ms;    /* it stands still between two turns until then */
	int64_t stalled_ms; /* when it last stood still in one; -1: never */
	struct store *store;
	struct mailbox *mailbox;
	struct engine *engine;
	struct net *net;
	struct helper *helper; /* NULL: it has none */
};

/* ------------------------------------------------------------- events -- */

struct user {
	char id[12];
};

struct event {
	unsigned number, user;
	bool quotes; /* came with a quote token */
	bool final;  /* sent when all was calm */
	bool voice;  /* the question has to be heard first */
	char id[12], token[12], quote[12], question[12], recording[12];
	char key[2][KEY_TEXT]; /* retry keys: the answer's, the fallback's */
	int64_t sent_ms, deliver_ms; /* INT64_MAX: LINE does not */
	unsigned tries;              /* deliveries that LINE will still make */
	bool acked, known;           /* 200; the store's commit happened */
	enum store_fate fate;
	struct store_job_id job;
	uint64_t fence;                 /* the newest; 0: nobody has the job */
	int64_t received_ms, loaded_ms; /* the store's latest, the owner's */
	uint8_t received_boot, loaded_boot;
	int64_t owned_ms;         /* since when it has the job */
	unsigned owner;           /* the process that had the job last */
	bool pushes, pushes_late; /* it was decided so, when late */
	bool ended;               /* DONE or DEAD was committed */
	bool dead;
	uint64_t words_fence; /* voice: its owner knows the words */
	bool is_heard;        /* voice: the words were committed */
	bool discarded;       /* voice: its user was busy by then */
	bool speaks;          /* its answer is committed, and read aloud */
	bool unspoken;        /* there was no room for that: it goes at once */
	unsigned follows;     /* whose answer it reads aloud, from 1; 0: none */
	char sound[64];       /* the file that was published, or "" */
	unsigned answer;      /* the model's latest answer's number */
	int committed;        /* the number that was committed; 0: an apology,
			   * -1: nothing yet */
	int64_t token_ms;     /* the latest delivery; INT64_MIN: none */
	bool token_used;
	bool refused;         /* LINE takes no answer for it */
	int64_t pushed_ms[2]; /* accepted under that key; INT64_MIN: not */
	uint64_t push_hash[2];
	unsigned told;    /* messages that the user got */
	unsigned notices; /* of them: instead of a job */
	unsigned told_by; /* the process that sent the first */
	bool heard;       /* and that it heard LINE's answer */
	bool excused;     /* the second one could not be avoided */
};

/* ------------------------------------------------------------ history -- */

/* Mechanisms taken out of the bot: each must be noticed. */
enum control {
	CONTROL_NONE = 0,
	CONTROL_FENCE,     /* late workers write */
	CONTROL_TAKEOVER,  /* the jobs of the dead stay theirs */
	CONTROL_INTERRUPT, /* a successor does not know of a dead owner */
	CONTROL_INTENT,    /* that it will be a push is not committed */
	CONTROL_NAIVE,     /* an unknown reply is followed by a push */
	CONTROL_ACK,       /* 200 before the commit */
	CONTROL_SEEN,      /* event ids are not remembered */
	CONTROL_KEY,       /* each push has another retry key */
	CONTROL_WORDS,     /* a successor does not know what was heard */
	CONTROL_OVERTAKE,  /* what was heard goes beside another question */
	CONTROL_STAY,      /* its user is free while the answer is spoken */
	CONTROL_NAME,      /* nobody finds what was published */
	CONTROL__MAX
};
extern const char *const control_names[CONTROL__MAX];

struct totals {
	uint64_t histories, events, admitted, answered, excused, apologies;
	uint64_t dead, undecidable, voices, heard, discarded, spoken, followed;
	uint64_t turns, calls, crashes, stalls, restarts;
	uint64_t taken_over, fenced, simulated_ms;
	uint64_t faults[FAULT__MAX];
	uint64_t failed_seed;
	char failure[160]; /* "": none */
};

struct sim {
	uint64_t seed, state;
	enum control control;
	bool trace;
	bool quiet; /* a history without faults */
	bool calm;  /* nothing goes wrong any more */
	unsigned chances[FAULT__MAX];
	int64_t now_ms, calm_ms, end_ms;
	int64_t boot_ms, wall_ms; /* what the clocks add */
	uint8_t boot;
	int64_t auth_ms; /* LINE refuses our token until then */
	bool wall_jumped, booted;
	unsigned crashes, quota, refusals; /* in this history */
	unsigned voices;                   /* of a hundred messages */
	struct settings settings;
	struct proc procs[PROCS_MAX], *current;
	unsigned n_procs, n_started;
	struct user users[USERS_MAX];
	unsigned n_users;
	struct event events[EVENTS_MAX];
	unsigned n_events;
	unsigned steps;
	struct totals *totals;
};
extern struct sim sim;

/* history.c: lives through the seed's history; true: nothing was wrong. */
bool sim_history(uint64_t seed, enum control, bool trace, struct totals *);

/* draw.c: makes the history of a seed; adds a message of a user. */
void sim_draw(uint64_t seed, enum control, bool trace, struct totals *);
void sim_event(unsigned user, int64_t sent_ms, bool final);
void sim_follow(struct event *parent, const struct store_job_id *);

/* Lets time pass, up to that time, and the others work. */
void sim_run_until(int64_t ms);

/* Something is not as promised: the first one is kept. */
void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool sim_failed(void);

/* A line of the trace. */
void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ------------------------------------------------------------ procs.c -- */

void proc_start(struct proc *);
void proc_turn(struct proc *);
/* Lets the process do something: what it says, and false if it died of it. */
bool proc_do(struct proc *, bool (*)(struct proc *, void *), void *arg);
void proc_kill(struct proc *, const char *where);
void proc_stop(struct proc *);
void proc_end(struct proc *);
/* In the middle of a turn, while the others work. */
void proc_freeze(struct proc *, int64_t ms);
/* When it has something to do; INT64_MAX: never. */
int64_t proc_due_ms(const struct proc *);
bool proc_runs(const struct proc *);

/*
 * To be asked before and after a call of the running process has its effect:
 * it may die or stand still here.  False: it is dead.
 */
bool proc_survives(const char *call);

/* ---------------------------------------------------------- webhook.c -- */

/* LINE sends what is due. */
void webhook_deliver(struct event *);

/* ------------------------------------------------------------- line.c -- */

struct exchange;

/* What an upstream answers; body is static or of the exchange. */
struct answer {
	int status;
	const char *body;
	bool too_big;
	bool words; /* of a recording: they are good */
	char memory[1400];
};
void line_take(struct exchange *, struct answer *);
void model_take(struct exchange *, struct answer *);
/* The beginning of the first text in a body, behind what was heard, or NULL. */
const char *line_text(const char *body);
/* The model says no, at random. */
void model_fail(struct answer *);

/* ------------------------------------------------------------ voice.c -- */

/* LINE's host of recordings, and the model that writes them down. */
void content_take(struct exchange *, struct answer *);
void stt_take(struct exchange *, struct answer *);
/* Whose recording it is; NULL: nobody's. */
struct event *voice_event(const struct exchange *);
/* Who reads answers aloud. */
void tts_take(struct exchange *, struct answer *);

/* ----------------------------------------------------------- helper.c -- */

int64_t helper_due_ms(const struct proc *);
void helper_run(struct proc *); /* does the chore that is due */
bool helper_published(const char *name);
void helper_reset(void); /* no file is left */

/* -------------------------------------------------------------- net.c -- */

enum target {
	TO_MODEL = 0,
	TO_REPLY,
	TO_PUSH,
	TO_LOADING,
	TO_CONTENT,
	TO_STT,
	TO_TTS,
	TARGET__MAX
};

struct exchange {
	enum target target;
	unsigned proc; /* who sent it */
	int64_t start_ms;
	const char *url, *body;
	char key[KEY_TEXT]; /* X-Line-Retry-Key; "": none */
	bool authorized;
	struct event *event; /* of whom it was, where it is known */
	uint64_t fence;      /* of the job's lease, to a model */
};

int64_t net_due_ms(const struct net *); /* of the process */
int64_t net_arrival_ms(void);           /* at the upstreams */
void net_arrive(void);                  /* what is due, does */
void net_reset(void);                   /* of the next history */

/* ----------------------------------------------------------- ledger.c -- */

struct event *ledger_by_id(const char *event_id);
struct event *ledger_by_job(const struct store_job_id *);
void ledger_admitted(struct event *, const struct store_verdict *,
    int64_t received_ms);
void ledger_claimed(const struct store_lease *);
void ledger_stepped(const struct store_step *);
/* A message reached the user of the event. */
void ledger_told(struct event *, const struct exchange *, const char *text);
/*
 * The process heard that it was accepted.  Who stands still in the middle of
 * a turn may lose the job, and with it what he heard.
 */
void ledger_heard(const struct exchange *);
void ledger_forgot(unsigned proc);
/* A recording is sent to be written down; the process has the words. */
void ledger_asks(const struct exchange *);
void ledger_knows(const struct exchange *);
/* A message with a sound goes to the user. */
void ledger_plays(struct event *, const char *body);
bool ledger_is_over(void); /* each admitted event has come to its end */
void ledger_check(void);
void ledger_close(void);

#endif
