/*
 * log - one line per outcome, one write(2) per line.
 *
 * No locks on the way of a line: it is built on the stack, and a rotation
 * puts the new file under the old descriptor number with dup3().
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

const char *const log_level_names[LOG__MAX] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

static atomic_int log_fd = STDERR_FILENO;
static atomic_uint log_verbosity = LOG_INFO;
static atomic_ulong lost;
static char *log_path; /* main's alone: open, reopen and close are its */

static int
open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
	    0600);
}

/* Puts fd where lines go; takes it. */
static int
use_file(int fd)
{
	int current = atomic_load(&log_fd);

	if (current == STDERR_FILENO) {
		atomic_store(&log_fd, fd);
		return 0;
	}
	if (dup3(fd, current, O_CLOEXEC) == -1) {
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

int
log_open(const char *path, enum log_level level)
{
	char *copy = NULL;
	int fd;

	if (path != NULL && *path != '\0') {
		if ((copy = strdup(path)) == NULL)
			return -1;
		fd = open_file(path);
		if (fd == -1 || use_file(fd) == -1) {
			free(copy);
			return -1;
		}
	} else {
		log_close();
	}
	free(log_path);
	log_path = copy;
	atomic_store(&log_verbosity, level);
	return 0;
}

int
log_reopen(void)
{
	int fd;

	if (log_path == NULL)
		return 0;
	fd = open_file(log_path);
	return fd == -1 ? -1 : use_file(fd);
}

void
log_close(void)
{
	int fd = atomic_exchange(&log_fd, STDERR_FILENO);

	if (fd != STDERR_FILENO)
		close(fd);
	free(log_path);
	log_path = NULL;
}

unsigned long
log_lost(void)
{
	return atomic_load(&lost);
}

struct line {
	char text[LOG_LINE_MAX];
	size_t len;
	bool full;
};

/* Room that stays for what ends every line. */
static const char line_cut[] = "...\n";
enum { LINE_ROOM = LOG_LINE_MAX - (sizeof(line_cut) - 1) };

static void
line_add(struct line *line, const char *bytes, size_t n)
{
	if (line->full || n > LINE_ROOM - line->len) {
		line->full = true;
		return;
	}
	memcpy(line->text + line->len, bytes, n);
	line->len += n;
}

/* Adds n bytes that may not appear as they are. */
static void
line_add_escaped(struct line *line, const char *bytes, size_t n)
{
	char escape[5];
	size_t i;

	for (i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			snprintf(escape, sizeof(escape), "\\n");
		else
			snprintf(escape, sizeof(escape), "\\x%02x",
			    (unsigned char)bytes[i]);
		line_add(line, escape, strlen(escape));
	}
}

static void
line_add_text(struct line *line, const char *text)
{
	size_t left = strlen(text), n;
	uint32_t c;

	for (; left > 0 && !line->full; text += n, left -= n) {
		n = utf8_next(text, left, &c);
		if (n == 0) {
			n = 1;
			line_add_escaped(line, text, n);
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			line_add_escaped(line, text, n);
		} else {
			line_add(line, text, n);
		}
	}
}

static void
line_begin(struct line *line, enum log_level level)
{
	int64_t now_ms = clock_wall_ms();
	time_t now_s = (time_t)(now_ms / 1000);
	char day[32], head[96];
	struct tm tm;
	int n;

	gmtime_r(&now_s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(head, sizeof(head), "%s.%03dZ level=%s pid=%d ", day,
	    (int)(now_ms % 1000), log_level_names[level], (int)getpid());
	line->len = 0;
	line->full = false;
	line_add(line, head, (size_t)n);
}

static void
line_write(struct line *line)
{
	const char *end = line->full ? line_cut : "\n";
	ssize_t n;

	memcpy(line->text + line->len, end, strlen(end));
	line->len += strlen(end);
	do
		n = write(atomic_load(&log_fd), line->text, line->len);
	while (n == -1 && errno == EINTR);
	if (n != (ssize_t)line->len)
		atomic_fetch_add(&lost, 1);
}

__attribute__((format(printf, 3, 0))) static void
log_line(enum log_level level, unsigned suppressed, const char *format,
    va_list args)
{
	char message[LOG_LINE_MAX], tail[32];
	int saved = errno;
	struct line line;

	if (level > atomic_load(&log_verbosity))
		return;
	line_begin(&line, level);
	vsnprintf(message, sizeof(message), format, args);
	line_add_text(&line, message);
	if (suppressed > 0) {
		snprintf(tail, sizeof(tail), " suppressed=%u", suppressed);
		line_add_text(&line, tail);
	}
	line_write(&line);
	errno = saved;
}

#define LOG_ARGS(level, format)                   \
	do {                                      \
		va_list args;                     \
		va_start(args, format);           \
		log_line(level, 0, format, args); \
		va_end(args);                     \
	} while (0)

void
log_error(const char *format, ...)
{
	LOG_ARGS(LOG_ERROR, format);
}

void
log_warn(const char *format, ...)
{
	LOG_ARGS(LOG_WARN, format);
}

void
log_info(const char *format, ...)
{
	LOG_ARGS(LOG_INFO, format);
}

void
log_debug(const char *format, ...)
{
	LOG_ARGS(LOG_DEBUG, format);
}

void
log_die(const char *format, ...)
{
	LOG_ARGS(LOG_ERROR, format);
	exit(EXIT_FAILURE);
}

void
log_bug(const char *format, ...)
{
	LOG_ARGS(LOG_ERROR, format);
	abort();
}

/*
 * May one more line be written in this minute?  *suppressed is what the line
 * has to report about the minute before.
 */
static bool
limit_pass(struct log_limit *limit, unsigned *suppressed)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	int64_t now_ms = clock_boot_ms();
	bool pass;

	*suppressed = 0;
	pthread_mutex_lock(&lock);
	if (limit->minute_ms == 0 || now_ms - limit->minute_ms >= 60000) {
		*suppressed = limit->suppressed;
		limit->minute_ms = now_ms;
		limit->written = limit->suppressed = 0;
	}
	pass = limit->written < limit->per_minute;
	if (pass)
		limit->written++;
	else
		limit->suppressed++;
	pthread_mutex_unlock(&lock);
	return pass;
}

void
log_limited(struct log_limit *limit, enum log_level level, const char *format,
    ...)
{
	unsigned suppressed;
	va_list args;

	if (!limit_pass(limit, &suppressed))
		return;
	va_start(args, format);
	log_line(level, suppressed, format, args);
	va_end(args);
}

const char *
log_quote(char *out, size_t size, const char *value)
{
	size_t n = 0, need;

	if (*value != '\0' && strpbrk(value, " \t\n=\"") == NULL) {
		snprintf(out, size, "%s", value);
		return out;
	}
	if (size < 3) {
		snprintf(out, size, "-");
		return out;
	}
	out[n++] = '"';
	for (; *value != '\0'; value++) {
		need = *value == '"' || *value == '\\' ? 2 : 1;
		if (n + need + 2 > size)
			break;
		if (need == 2)
			out[n++] = '\\';
		out[n++] = *value;
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}
