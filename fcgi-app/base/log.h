/*
 * log.h - one line per outcome, safe to read in a terminal and to grep.
 *
 *   2026-11-23T13:37:01.123Z level=info pid=12 job=7 stage=think ms=812
 *
 * Callers write key=value pairs, the subject first; never user ids, message
 * text, tokens or keys.  A line is one write(2) of at most LOG_LINE_MAX bytes,
 * newline included, so that lines of several threads and processes do not mix;
 * what is longer is cut and ends with "...".  Control characters and bytes
 * that are not UTF-8 come out escaped (\n, \x1b).  Every function is
 * thread-safe and keeps errno.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 1024 };

enum log_level { LOG_ERROR = 0, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG__MAX };

/* The names of the levels, as in LOG_LEVEL and in the lines. */
extern const char *const log_level_names[LOG__MAX];

/*
 * Chooses where lines go and which are written: path is made 0600 or appended
 * to; NULL or "" is stderr.  0, or -1 with errno, and then nothing changed.
 * Before the first call lines of LOG_INFO and above go to stderr.
 */
int log_open(const char *path, enum log_level);

/* Opens the path again, after a rotation.  0, or -1: goes on as before. */
int log_reopen(void);

/* Back to stderr. */
void log_close(void);

#define LOG_FORMAT(n) __attribute__((format(printf, n, (n) + 1)))

void log_error(const char *format, ...) LOG_FORMAT(1);
void log_warn(const char *format, ...) LOG_FORMAT(1);
void log_info(const char *format, ...) LOG_FORMAT(1);
void log_debug(const char *format, ...) LOG_FORMAT(1);

/* Cannot go on, for a reason outside of the program: logs and exits with 1. */
_Noreturn void log_die(const char *format, ...) LOG_FORMAT(1);

/* A mistake of ours: logs and aborts, which keeps the core. */
_Noreturn void log_bug(const char *format, ...) LOG_FORMAT(1);

/*
 * A line that strangers can cause, such as a forged request: at most
 * per_minute of them from one struct log_limit, which the call site keeps in
 * a static.  The first line of the next minute then ends with suppressed=N.
 *
 *   static struct log_limit limit = LOG_LIMIT(10);
 */
struct log_limit {
	unsigned per_minute;
	unsigned written, suppressed; /* in this minute */
	int64_t minute_ms;            /* boot clock: when it began; 0: never */
};
#define LOG_LIMIT(n)         \
	{                    \
		(n), 0, 0, 0 \
	}

void log_limited(struct log_limit *, enum log_level, const char *format, ...)
    LOG_FORMAT(3);

/*
 * Writes value into out so that it stays one value in a line: in double
 * quotes, with \" and \\ inside, when it is empty or holds a blank, '=' or a
 * quote.  Cut when size is too small; returns out.
 */
const char *log_quote(char *out, size_t size, const char *value);

/* Lines that could not be written, since the start. */
unsigned long log_lost(void);

#endif
