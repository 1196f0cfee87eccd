/*
 * Whatever LINE sends, we find the questions to us and nothing else; one odd
 * event never spoils its neighbours.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "line/event.h"
#include "store/store.h"
#include "tests/unit/data.h"
#include "tests/unit/fail_alloc.h"

/* What passes the parser is never too long for the store. */
_Static_assert((int)LINE_ID_MAX <= (int)STORE_ID_MAX &&
	(int)LINE_CHAT_MAX <= (int)STORE_CHAT_MAX &&
	(int)LINE_TOKEN_MAX <= (int)STORE_TOKEN_MAX &&
	(int)LINE_TEXT_MAX <= (int)STORE_TEXT_MAX,
    "an event that was parsed fits into the store");

/* A body as the .want files tell it. */
static char *
describe(const struct line_body *body)
{
	struct buf buf;
	size_t i;

	buf_init(&buf, 1 << 20);
	for (i = 0; i < body->n; i++) {
		const struct line_event *e = &body->events[i];

		buf_printf(&buf,
		    "id=%s chat=%s to=%s token=%s quote=%s "
		    "time=%lld direct=%d redelivery=%d %s=%s\n",
		    e->id, e->chat, e->to, e->reply_token,
		    e->quote_token == NULL ? "-" : e->quote_token,
		    (long long)e->timestamp, e->direct, e->redelivery,
		    e->voice == NULL ? "text" : "voice",
		    e->voice == NULL ? e->text : e->voice);
	}
	buf_printf(&buf, "ignored=%zu\n", body->ignored);
	return buf_take(&buf, NULL);
}

static void
check_case(const char *name)
{
	char json[300], want[300], *bytes, *wanted, *got;
	struct line_body body;
	size_t len;

	snprintf(json, sizeof(json), "tests/data/webhook/%s.json", name);
	snprintf(want, sizeof(want), "tests/data/webhook/%s.want", name);
	bytes = data_read(json, &len);
	wanted = data_read(want, NULL);
	assert_int_equal(line_parse(bytes, len, &body), LINE_OK);
	got = describe(&body);
	if (strcmp(got, wanted) != 0)
		fail_msg("%s:\n%s-- wanted\n%s", json, got, wanted);
	line_body_release(&body);
	free(got);
	free(wanted);
	free(bytes);
}

static void
every_stored_body_is_read_as_wanted(void **state)
{
	DIR *dir = opendir("tests/data/webhook");
	struct dirent *entry;
	unsigned n = 0;
	char *dot;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		dot = strrchr(entry->d_name, '.');
		if (dot == NULL || strcmp(dot, ".json") != 0)
			continue;
		*dot = '\0';
		check_case(entry->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n >= 60);
}

static enum line_rc
parse(const char *json, struct line_body *body)
{
	return line_parse(json, strlen(json), body);
}

static void
what_is_no_webhook_is_refused(void **state)
{
	static const struct {
		const char *body;
		enum line_rc rc;
	} cases[] = {
		{ "", LINE_NOT_JSON },
		{ "{", LINE_NOT_JSON },
		{ "nonsense", LINE_NOT_JSON },
		{ "{\"events\":[]} x", LINE_NOT_JSON },
		{ "{\"events\":[],\"events\":[]}", LINE_NOT_JSON },
		{ "{\"events\":[{\"mode\":1,\"mode\":2}]}", LINE_NOT_JSON },
		{ "{\"events\":[{\"source\":{},\"source\":{}}]}",
		    LINE_NOT_JSON },
		{ "{\"events\":[\"\xff\"]}", LINE_NOT_JSON },
		{ "null", LINE_NOT_WEBHOOK },
		{ "[]", LINE_NOT_WEBHOOK },
		{ "{}", LINE_NOT_WEBHOOK },
		{ "{\"events\":null}", LINE_NOT_WEBHOOK },
		{ "{\"events\":{}}", LINE_NOT_WEBHOOK },
		{ "{\"events\":\"\"}", LINE_NOT_WEBHOOK },
		{ "{\"events\":[]}", LINE_OK },
	};
	struct line_body body;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (parse(cases[i].body, &body) != cases[i].rc)
			fail_msg("%s", cases[i].body);
		assert_int_equal(body.n, 0);
		line_body_release(&body);
	}
}

/* A good event, member by member; a case replaces one of them. */
static const char *const members[] = {
	"\"type\":\"message\"",
	"\"mode\":\"active\"",
	"\"timestamp\":1625665242211",
	"\"source\":{\"type\":\"user\",\"userId\":\"U1\"}",
	"\"webhookEventId\":\"E1\"",
	"\"deliveryContext\":{\"isRedelivery\":false}",
	"\"replyToken\":\"R1\"",
	"\"message\":{\"type\":\"text\",\"id\":\"1\",\"text\":\"hello\"}",
};
enum { N_MEMBERS = sizeof(members) / sizeof(members[0]) };

/* Adds the good event, with instead in place of the member of that name. */
static void
add_event(struct buf *buf, const char *instead)
{
	const char *colon = instead == NULL ? NULL : strchr(instead, ':');
	size_t i, name = colon == NULL ? 0 : (size_t)(colon - instead);
	const char *comma = "{";

	for (i = 0; i < N_MEMBERS; i++) {
		const char *member = members[i];

		if (instead != NULL && name > 0 &&
		    strncmp(member, instead, name + 1) == 0)
			member = colon[1] == '\0' ? NULL : instead;
		if (member == NULL)
			continue;
		buf_printf(buf, "%s%s", comma, member);
		comma = ",";
	}
	buf_puts(buf, "}");
}

/* Parses [odd, good]: the good one must be there in any case. */
static size_t
parse_beside_good(const char *odd, struct line_body *body)
{
	struct buf buf;

	buf_init(&buf, 1 << 20);
	buf_puts(&buf, "{\"events\":[");
	add_event(&buf, odd);
	buf_puts(&buf, ",");
	add_event(&buf, NULL);
	buf_puts(&buf, "]}");
	assert_int_equal(line_parse(buf.data, buf.len, body), LINE_OK);
	buf_release(&buf);
	assert_true(body->n >= 1);
	assert_int_equal(body->n + body->ignored, 2);
	assert_string_equal(body->events[body->n - 1].text, "hello");
	return body->n - 1;
}

static void
odd_event_is_left_out_alone(void **state)
{
	/* a name alone: that member is missing */
	static const char *const odd[] = {
		"\"type\":", "\"type\":1", "\"type\":\"Message\"",
		"\"mode\":", "\"mode\":\"standby\"", "\"mode\":null",
		"\"timestamp\":", "\"timestamp\":\"1625665242211\"",
		"\"timestamp\":0", "\"timestamp\":-1",
		"\"source\":", "\"source\":[]",
		"\"source\":{\"type\":\"user\"}",
		"\"source\":{\"type\":\"user\",\"userId\":\"\"}",
		"\"source\":{\"type\":\"user\",\"userId\":7}",
		"\"source\":{\"type\":\"user\",\"userId\":\"U\\u0000\"}",
		"\"source\":{\"type\":\"planet\",\"userId\":\"U1\"}",
		"\"source\":{\"type\":\"group\",\"groupId\":\"C1\"}",
		"\"source\":{\"userId\":\"U1\"}",
		"\"webhookEventId\":", "\"webhookEventId\":\"\"",
		"\"webhookEventId\":{}",
		"\"replyToken\":", "\"replyToken\":false",
		"\"message\":", "\"message\":\"hello\"",
		"\"message\":{\"type\":\"text\"}",
		"\"message\":{\"type\":\"text\",\"text\":9}",
		"\"message\":{\"type\":\"text\",\"text\":\"\"}",
		"\"message\":{\"type\":\"text\",\"text\":\" \\n\\u3000\"}",
		"\"message\":{\"type\":\"text\",\"text\":\"\\u0000\"}",
		"\"message\":{\"type\":\"sticker\",\"text\":\"hi\"}",
		/* NOLINTBEGIN(bugprone-suspicious-missing-comma): long ones */
		"\"message\":{\"type\":\"audio\",\"id\":\"1\"}",
		"\"message\":{\"type\":\"audio\",\"id\":\"1\","
		"\"contentProvider\":\"line\"}",
		"\"message\":{\"type\":\"audio\",\"id\":\"1\","
		"\"contentProvider\":{\"type\":\"external\"}}",
		"\"message\":{\"type\":\"audio\","
		"\"contentProvider\":{\"type\":\"line\"}}",
		"\"message\":{\"type\":\"audio\",\"id\":7,"
		"\"contentProvider\":{\"type\":\"line\"}}",
		"\"message\":{\"type\":\"audio\",\"id\":\"../1\","
		"\"contentProvider\":{\"type\":\"line\"}}",
		"\"message\":{\"type\":\"audio\",\"id\":\"1?a\","
		"\"contentProvider\":{\"type\":\"line\"}}",
		/* NOLINTEND(bugprone-suspicious-missing-comma) */
	};
	struct line_body body;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (parse_beside_good(odd[i], &body) != 0)
			fail_msg("answered: %s", odd[i]);
		line_body_release(&body);
	}
}

static void
optional_members_may_be_anything(void **state)
{
	static const char *const odd[] = {
		"\"deliveryContext\":",
		"\"deliveryContext\":\"x\"",
		"\"deliveryContext\":{\"isRedelivery\":\"true\"}",
		"\"message\":{\"type\":\"text\",\"text\":\"hello\","
		"\"quoteToken\":5}",
		"\"message\":{\"type\":\"text\",\"text\":\"hello\","
		"\"quoteToken\":\"\",\"mention\":{\"mentionees\":[1]}}",
	};
	struct line_body body;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		if (parse_beside_good(odd[i], &body) != 1)
			fail_msg("ignored: %s", odd[i]);
		assert_string_equal(body.events[0].text, "hello");
		assert_null(body.events[0].quote_token);
		assert_false(body.events[0].redelivery);
		line_body_release(&body);
	}
}

/* Is an event with value of n bytes as that member (a format) answered? */
static bool
is_answered(const char *format, size_t n)
{
	struct line_body body;
	char *value = malloc(n + 1);
	struct buf odd;
	bool answered;

	memset(value, 'x', n);
	value[n] = '\0';
	buf_init(&odd, 1 << 20);
	buf_puts(&odd, format);
	buf_puts(&odd, value);
	buf_puts(&odd, strchr(format, '{') == NULL ? "\"" : "\"}");
	answered = parse_beside_good(odd.data, &body) == 1;
	line_body_release(&body);
	buf_release(&odd);
	free(value);
	return answered;
}

static void
lengths_are_limited(void **state)
{
	static const struct {
		const char *begin;
		size_t max;
	} cases[] = {
		{ "\"webhookEventId\":\"", LINE_ID_MAX },
		{ "\"replyToken\":\"", LINE_TOKEN_MAX },
		{ "\"source\":{\"type\":\"user\",\"userId\":\"", LINE_ID_MAX },
		{ "\"message\":{\"type\":\"text\",\"text\":\"", LINE_TEXT_MAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(is_answered(cases[i].begin, cases[i].max));
		assert_false(is_answered(cases[i].begin, cases[i].max + 1));
	}
}

static void
group_and_user_make_the_lane(void **state)
{
	static const char body_format[] =
	    "{\"events\":[{\"type\":\"message\",\"mode\":\"active\","
	    "\"timestamp\":1,\"webhookEventId\":\"E\",\"replyToken\":\"R\","
	    "\"source\":{\"type\":\"%s\",\"%s\":\"%s\"%s},\"message\":"
	    "{\"type\":\"text\",\"text\":\"a\",\"mention\":{\"mentionees\":"
	    "[{\"type\":\"all\"},{\"isSelf\":true}]}}}]}";
	static const struct {
		const char *type, *key, *id, *user, *chat, *to;
	} cases[] = {
		{ "group", "groupId", "C1", ",\"userId\":\"U1\"", "C1/U1",
		    "C1" },
		{ "room", "roomId", "R1", ",\"userId\":\"U1\"", "R1/U1", "R1" },
		{ "room", "roomId", "R1", "", "R1", "R1" },
	};
	struct line_body body;
	char json[600];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(json, sizeof(json), body_format, cases[i].type,
		    cases[i].key, cases[i].id, cases[i].user);
		assert_int_equal(parse(json, &body), LINE_OK);
		assert_int_equal(body.n, 1);
		assert_string_equal(body.events[0].chat, cases[i].chat);
		assert_string_equal(body.events[0].to, cases[i].to);
		assert_false(body.events[0].direct);
		line_body_release(&body);
	}
}

static void
long_group_and_user_are_ignored(void **state)
{
	char json[600];
	struct line_body body;

	(void)state;
	snprintf(json, sizeof(json),
	    "{\"events\":[{\"type\":\"message\",\"mode\":\"active\","
	    "\"timestamp\":1,\"webhookEventId\":\"E\",\"replyToken\":\"R\","
	    "\"source\":{\"type\":\"group\",\"groupId\":\"%060d\","
	    "\"userId\":\"%060d\"},\"message\":{\"type\":\"text\","
	    "\"text\":\"a\",\"mention\":{\"mentionees\":"
	    "[{\"isSelf\":true}]}}}]}",
	    0, 0);
	assert_int_equal(parse(json, &body), LINE_OK);
	assert_int_equal(body.n, 0);
	assert_int_equal(body.ignored, 1);
	line_body_release(&body);
}

static void
text_comes_out_clean(void **state)
{
	struct line_body body;

	(void)state;
	parse_beside_good("\"message\":{\"type\":\"text\",\"text\":"
			  "\"  a\\u0000b\\u001b[1m\\r\\nc\\td\\u009b \\n\"}",
	    &body);
	assert_string_equal(body.events[0].text, "ab[1m\nc\td");
	line_body_release(&body);
}

static void
only_the_first_thousand_events_count(void **state)
{
	struct line_body body;
	struct buf buf;
	int i;

	(void)state;
	buf_init(&buf, 1 << 20);
	buf_puts(&buf, "{\"events\":[");
	for (i = 0; i < LINE_EVENTS_MAX + 5; i++) {
		if (i > 0)
			buf_puts(&buf, ",");
		add_event(&buf, NULL);
	}
	buf_puts(&buf, "]}");
	assert_int_equal(line_parse(buf.data, buf.len, &body), LINE_OK);
	assert_int_equal(body.n, LINE_EVENTS_MAX);
	assert_int_equal(body.ignored, 5);
	line_body_release(&body);
	buf_release(&buf);
}

/* Overlong forms and halves of pairs, which are no UTF-8; an escaped half. */
static void
text_that_is_no_utf8_comes_out_clean(void **state)
{
	struct buf buf;
	struct line_body body;
	size_t i;

	(void)state;
	buf_init(&buf, 1024 * 1024);
	buf_puts(&buf,
	    "{\"events\":[{\"type\":\"message\",\"mode\":\"active\","
	    "\"timestamp\":1,\"webhookEventId\":\"e\",\"replyToken\":\"r\","
	    "\"source\":{\"type\":\"user\",\"userId\":\"U\"},"
	    "\"message\":{\"type\":\"text\",\"text\":\"a");
	for (i = 0; i < 2000; i++)
		buf_puts(&buf, "\xc0\x80\xed\xa0\x80\\ud800");
	buf_puts(&buf, "z\"}}]}");
	if (line_parse(buf.data, buf.len, &body) == LINE_OK) {
		assert_int_equal(body.n, 1);
		assert_int_equal(body.events[0].text[0], 'a');
		for (i = 0; body.events[0].text[i] != '\0';) {
			uint32_t c;
			size_t n = utf8_next(body.events[0].text + i,
			    strlen(body.events[0].text + i), &c);

			assert_int_not_equal(n, 0);
			i += n;
		}
	}
	line_body_release(&body);
	buf_release(&buf);
}

/* Escapes need a buffer of yajl's that grows; arrays its stack. */
static void
long_escapes_and_deep_arrays_have_room(void **state)
{
	static const size_t sizes[] = { 1, 300, 2047, 2048, 2049, 60000,
		170000 };
	struct line_body body;
	struct buf buf;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		buf_init(&buf, 4 * 1024 * 1024);
		buf_puts(&buf, "{\"events\":[],\"a\":\"");
		for (j = 0; j < sizes[i]; j++)
			buf_puts(&buf, "\\n\\u00e9x");
		buf_puts(&buf, "\"}");
		assert_int_equal(line_parse(buf.data, buf.len, &body), LINE_OK);
		line_body_release(&body);
		/* and where it ends in the middle */
		assert_int_equal(line_parse(buf.data, buf.len - 2, &body),
		    LINE_NOT_JSON);
		line_body_release(&body);
		buf_release(&buf);
	}
	buf_init(&buf, 4 * 1024 * 1024);
	for (j = 0; j < 500000; j++)
		buf_puts(&buf, "[");
	assert_int_equal(line_parse(buf.data, buf.len, &body), LINE_NOT_JSON);
	line_body_release(&body);
	buf_release(&buf);
}

static bool
parse_or_run_short(void *bytes)
{
	struct line_body body;
	enum line_rc rc = parse(bytes, &body);

	assert_true(rc == LINE_OK || rc == LINE_MEMORY || rc == LINE_NOT_JSON);
	line_body_release(&body);
	return rc == LINE_OK;
}

static void
every_allocation_may_fail(void **state)
{
	char *bytes =
	    data_read("tests/data/webhook/message-text-mention-bot-group.json",
		NULL);

	(void)state;
	assert_int_equal(fail_alloc_each(parse_or_run_short, bytes),
	    FAIL_ALLOC_LEAST(1));
	free(bytes);
}

/* yajl hands on a NUL within a key: it ends no comparison. */
static void
key_that_goes_on_after_a_nul_is_another_key(void **state)
{
	static const char tail[] = "0123456789012345678901234567890123456789";
	struct line_body body;
	char json[400];
	int i, len;

	(void)state;
	for (i = 0; i < (int)sizeof(tail); i++) {
		len = snprintf(json, sizeof(json),
		    "{\"events\":[{\"type\":\"message\",\"mode\":\"active\","
		    "\"webhookEventId\":\"1\",\"replyToken\":\"2\","
		    "\"timestamp\":3,\"type\\u0000%.*s\":\"follow\","
		    "\"source\":{\"type\":\"user\",\"userId\":\"U\"},"
		    "\"message\":{\"type\":\"text\",\"text\":\"?\"}}]}",
		    i, tail);
		assert_int_equal(line_parse(json, (size_t)len, &body), LINE_OK);
		assert_int_equal(body.n, 1);
		line_body_release(&body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stored_body_is_read_as_wanted),
		cmocka_unit_test(what_is_no_webhook_is_refused),
		cmocka_unit_test(odd_event_is_left_out_alone),
		cmocka_unit_test(optional_members_may_be_anything),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(group_and_user_make_the_lane),
		cmocka_unit_test(long_group_and_user_are_ignored),
		cmocka_unit_test(text_comes_out_clean),
		cmocka_unit_test(only_the_first_thousand_events_count),
		cmocka_unit_test(text_that_is_no_utf8_comes_out_clean),
		cmocka_unit_test(long_escapes_and_deep_arrays_have_room),
		cmocka_unit_test(key_that_goes_on_after_a_nul_is_another_key),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
