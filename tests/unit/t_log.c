/*
 * One line per call, whatever is in it, and never more of them than allowed.
 */
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "tests/unit/data.h"

static char dir[] = "/tmp/t_log.XXXXXX", path[64], moved[64];

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(moved, sizeof(moved), "%s/log.1", dir);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	log_close();
	unlink(path);
	unlink(moved);
	return rmdir(dir);
}

/* Each test begins with an empty file. */
static int
open_log(void **state)
{
	(void)state;
	unlink(path);
	return log_open(path, LOG_INFO);
}

/* What the only line says behind pid=; new. */
static char *
only_message(void)
{
	char *text = data_read(path, NULL), *message;

	message = strstr(text, " pid=");
	assert_non_null(message);
	message = strchr(message + 1, ' ');
	assert_non_null(message);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	message = strdup(message + 1);
	message[strlen(message) - 1] = '\0';
	free(text);
	return message;
}

static unsigned
count_lines(const char *of)
{
	char *text = data_read(of, NULL), *c;
	unsigned n = 0;

	for (c = text; *c != '\0'; c++)
		n += *c == '\n';
	free(text);
	return n;
}

static void
line_has_time_level_and_process(void **state)
{
	char wanted[80], *text;
	static const char form[] = "0000-00-00T00:00:00.000Z";
	const size_t end = sizeof(form) - 1;
	size_t i;

	(void)state;
	log_warn("job=%d stage=%s", 7, "think");
	text = data_read(path, NULL);
	for (i = 0; i < end; i++)
		assert_true(form[i] == '0' ? isdigit((unsigned char)text[i])
					   : form[i] == text[i]);
	snprintf(wanted, sizeof(wanted),
	    " level=warn pid=%d job=7 stage=think\n", (int)getpid());
	assert_string_equal(text + end, wanted);
	free(text);
}

static void
file_is_private(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
level_decides_what_is_written(void **state)
{
	enum log_level level;

	(void)state;
	for (level = LOG_ERROR; level < LOG__MAX; level++) {
		unlink(path);
		assert_int_equal(log_open(path, level), 0);
		log_error("a=1");
		log_warn("a=1");
		log_info("a=1");
		log_debug("a=1");
		assert_int_equal(count_lines(path), level + 1);
	}
}

static void
nothing_escapes_the_line(void **state)
{
	static const struct {
		const char *value, *written;
	} cases[] = {
		{ "plain", "plain" },
		{ "two\nlines\r\n", "two\\nlines\\x0d\\n" },
		{ "\x1b[31mred\t\x7f", "\\x1b[31mred\\x09\\x7f" },
		{ "caf\xc3\xa9 \xf0\x9f\x8d\x8e",
		    "caf\xc3\xa9 \xf0\x9f\x8d\x8e" },
		{ "\xff\xc3(", "\\xff\\xc3(" },
		{ "\xc2\x9b"
		  "1m",
		    "\\xc2\\x9b1m" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	};
	char *message;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_log(state);
		log_info("%s", cases[i].value);
		message = only_message();
		assert_string_equal(message, cases[i].written);
		free(message);
	}
}

static void
long_line_is_cut_between_characters(void **state)
{
	char *value = malloc(5000), *text;
	size_t i, shift, len;
	uint32_t c;

	for (shift = 0; shift < 4; shift++) {
		open_log(state);
		memset(value, 'x', shift);
		for (i = shift; i + 4 < 5000; i += 4)
			memcpy(value + i, "\xf0\x9f\x8d\x8e", 5);
		log_info("%s", value);
		text = data_read(path, &len);
		assert_true(len <= LOG_LINE_MAX && len > LOG_LINE_MAX - 8);
		assert_string_equal(text + len - 4, "...\n");
		for (i = 0; i < len; i += utf8_next(text + i, len - i, &c))
			assert_true(utf8_next(text + i, len - i, &c) > 0);
		free(text);
	}
	free(value);
}

static void
errno_survives(void **state)
{
	(void)state;
	assert_int_equal(log_open("/dev/full", LOG_INFO), 0);
	errno = ENOENT;
	log_info("a=1");
	assert_int_equal(errno, ENOENT);
}

static void *
log_often(void *unused)
{
	int i;

	(void)unused;
	for (i = 0; i < 500; i++)
		log_info("thread=%060d", i);
	return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
	pthread_t threads[4];
	char *text, *line, *end;
	unsigned n = 0;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_often,
				     NULL),
		    0);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	text = data_read(path, NULL);
	for (line = text; *line != '\0'; line = end + 1, n++) {
		end = strchr(line, '\n');
		assert_int_equal(line[4], '-');
		assert_int_equal(end - strstr(line, "thread="), 67);
	}
	assert_int_equal(n, 2000);
	free(text);
}

static void
rotated_file_is_opened_again(void **state)
{
	(void)state;
	log_info("a=1");
	assert_int_equal(rename(path, moved), 0);
	log_info("a=2");
	assert_int_equal(log_reopen(), 0);
	log_info("a=3");
	assert_int_equal(count_lines(moved), 2);
	assert_int_equal(count_lines(path), 1);
}

static void
file_that_cannot_be_opened_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(log_open("/nowhere/log", LOG_DEBUG), -1);
	assert_int_equal(errno, ENOENT);
	log_info("a=1");
	log_debug("a=2");
	assert_int_equal(count_lines(path), 1);
}

static void
lost_lines_are_counted(void **state)
{
	unsigned long before = log_lost();

	(void)state;
	assert_int_equal(log_open("/dev/full", LOG_INFO), 0);
	log_info("a=1");
	log_info("a=2");
	assert_int_equal(log_lost() - before, 2);
}

static void
flood_is_limited_and_counted(void **state)
{
	static struct log_limit limit = LOG_LIMIT(3);
	char *text;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		log_limited(&limit, LOG_WARN, "forged=%d", i);
	assert_int_equal(count_lines(path), 3);
	limit.minute_ms = clock_boot_ms() - 60000;
	for (i = 0; i < 2; i++)
		log_limited(&limit, LOG_WARN, "forged=%d", i);
	text = data_read(path, NULL);
	assert_int_equal(count_lines(path), 5);
	assert_non_null(strstr(text, "forged=0 suppressed=97\n"));
	assert_non_null(strstr(text, "forged=1\n"));
	free(text);
}

static void
values_are_quoted_when_needed(void **state)
{
	static const struct {
		const char *value, *quoted;
	} cases[] = {
		{ "plain/1.0", "plain/1.0" },
		{ "", "\"\"" },
		{ "two words", "\"two words\"" },
		{ "a=b", "\"a=b\"" },
		{ "say \"hi\" \\o/", "\"say \\\"hi\\\" \\\\o/\"" },
	};
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(log_quote(out, sizeof(out), cases[i].value),
		    cases[i].quoted);
	assert_string_equal(log_quote(out, 8, "a b c d e f"), "\"a b c\"");
	assert_string_equal(log_quote(out, 8, "\"\"\"\"\"\""), "\"\\\"\\\"\"");
	assert_string_equal(log_quote(out, 3, "a b"), "\"\"");
}

static int
status_of(void (*end)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		end();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
die(void)
{
	log_die("disk=gone");
}

static void
bug(void)
{
	log_bug("mistake=ours");
}

static void
dying_leaves_a_line(void **state)
{
	int status;

	(void)state;
	status = status_of(die);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	status = status_of(bug);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(count_lines(path), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(line_has_time_level_and_process,
		    open_log),
		cmocka_unit_test_setup(file_is_private, open_log),
		cmocka_unit_test(level_decides_what_is_written),
		cmocka_unit_test(nothing_escapes_the_line),
		cmocka_unit_test(long_line_is_cut_between_characters),
		cmocka_unit_test(errno_survives),
		cmocka_unit_test_setup(lines_of_threads_do_not_mix, open_log),
		cmocka_unit_test_setup(rotated_file_is_opened_again, open_log),
		cmocka_unit_test_setup(
		    file_that_cannot_be_opened_changes_nothing, open_log),
		cmocka_unit_test(lost_lines_are_counted),
		cmocka_unit_test_setup(flood_is_limited_and_counted, open_log),
		cmocka_unit_test(values_are_quoted_when_needed),
		cmocka_unit_test_setup(dying_leaves_a_line, open_log),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
