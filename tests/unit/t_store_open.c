/*
 * A store opens for its owner, with its key, in a folder that nobody else can
 * enter, and otherwise says what is wrong and what to do.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store_priv.h"
#include "tests/unit/store_fixture.h"

enum { OPENERS = 4 };

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* It must be refused, and the reason must name these two things. */
static void
expect_refused(struct fixture *f, const char *thing, const char *what)
{
	char why[STORE_WHY_MAX];
	struct store *s;

	assert_int_equal(store_open(&s, &f->place, at(0), why), STORE_REFUSED);
	assert_null(s);
	if (strstr(why, thing) == NULL || strstr(why, what) == NULL)
		fail_msg("\"%s\" does not name %s and %s", why, thing, what);
	assert_null(strchr(why, '\n'));
}

static void
close_again(struct fixture *f)
{
	store_close(&f->store);
	assert_null(f->store);
}

static void
a_new_store_is_closed_to_others_whatever_the_umask(void **state)
{
	struct fixture *f = *state;
	char path[160];
	mode_t old = umask(0);

	f->store = fixture_open(f, at(0));
	umask(old);
	assert_int_equal(mode_of(f->dir), 0700);
	assert_int_equal(mode_of(f->key_file), 0600);
	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	assert_int_equal(mode_of(path), 0600);
	snprintf(path, sizeof(path), "%s/lock.mdb", f->dir);
	assert_int_equal(mode_of(path), 0600);
	snprintf(path, sizeof(path), "%s/workers.lock", f->dir);
	assert_int_equal(mode_of(path), 0600);
}

static void
all_disk_space_is_taken_at_the_start(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char path[160];

	f->store = fixture_open(f, at(0));
	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, MAP_MB << 20);
	assert_true(st.st_blocks * 512 >= MAP_MB << 20);
}

static void
it_opens_again_with_its_key(void **state)
{
	struct fixture *f = *state;

	f->store = fixture_open(f, at(0));
	close_again(f);
	f->store = fixture_open(f, after_boot(0));
}

static void
a_missing_key_is_refused_and_not_replaced(void **state)
{
	struct fixture *f = *state;

	f->store = fixture_open(f, at(0));
	close_again(f);
	assert_int_equal(unlink(f->key_file), 0);
	expect_refused(f, f->key_file, "missing");
	assert_int_equal(access(f->key_file, F_OK), -1);
}

static void
another_key_is_refused(void **state)
{
	struct fixture *f = *state;

	f->store = fixture_open(f, at(0));
	close_again(f);
	write_file(f->key_file,
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899AABBCCDDEEFF\n",
	    0600);
	expect_refused(f, f->key_file, "is not the key of");
}

static void
a_key_that_was_there_before_the_store_is_used(void **state)
{
	struct fixture *f = *state;

	write_file(f->key_file,
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899AABBCCDDEEFF",
	    0600);
	f->store = fixture_open(f, at(0));
	close_again(f);
	f->store = fixture_open(f, at(0));
}

static void
a_key_of_another_form_is_refused(void **state)
{
	struct fixture *f = *state;

	write_file(f->key_file, "secret\n", 0600);
	expect_refused(f, f->key_file, "64 hex digits");
	write_file(f->key_file,
	    "00112233445566778899aabbccddeeff"
	    "00112233445566778899AABBCCDDEEFG\n",
	    0600);
	expect_refused(f, f->key_file, "64 hex digits");
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;

	f->store = fixture_open(f, at(0));
	close_again(f);
	assert_int_equal(chmod(f->key_file, 0640), 0);
	expect_refused(f, f->key_file, "(mode 0640); chmod 600 it");
}

static void
a_linked_key_is_refused(void **state)
{
	struct fixture *f = *state;
	char real[160];

	f->store = fixture_open(f, at(0));
	close_again(f);
	snprintf(real, sizeof(real), "%s/real", f->root);
	assert_int_equal(rename(f->key_file, real), 0);
	assert_int_equal(symlink(real, f->key_file), 0);
	expect_refused(f, f->key_file, "plain file");
}

static void
a_key_beside_the_data_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/../data/key", f->dir);
	f->place.key_file = path;
	expect_refused(f, path, "DATA_DIR");
	assert_int_equal(access(path, F_OK), -1);
}

static void
a_folder_that_others_may_enter_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->dir, 0755), 0);
	assert_int_equal(chmod(f->dir, 0755), 0);
	expect_refused(f, f->dir, "0755");
}

static void
a_linked_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	char real[160];

	snprintf(real, sizeof(real), "%s/real", f->root);
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink(real, f->dir), 0);
	expect_refused(f, f->dir, "symbolic link");
	snprintf(real, sizeof(real), "%s/", f->dir);
	f->place.dir = real;
	expect_refused(f, real, "symbolic link");
}

static void
a_folder_without_a_parent_is_refused(void **state)
{
	struct fixture *f = *state;

	snprintf(f->dir, sizeof(f->dir), "%s/no/data", f->root);
	expect_refused(f, f->dir, "parent");
}

static void
a_linked_file_in_the_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	char link[160], target[160];

	assert_int_equal(mkdir(f->dir, 0700), 0);
	snprintf(link, sizeof(link), "%s/data.mdb", f->dir);
	snprintf(target, sizeof(target), "%s/elsewhere", f->root);
	assert_int_equal(symlink(target, link), 0);
	expect_refused(f, "data.mdb", "plain file");
	assert_int_equal(access(target, F_OK), -1);
}

static void
a_file_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];

	f->store = fixture_open(f, at(0));
	close_again(f);
	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	assert_int_equal(chmod(path, 0644), 0);
	expect_refused(f, "data.mdb", "(mode 0644); chmod 600 it");
}

static void
somebody_elses_folder_is_refused(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(chown(f->dir, 1234, 1234), 0);
	expect_refused(f, f->dir,
	    "belongs to user 1234, this program runs as 0 (root); ");
}

static void
somebody_elses_key_is_refused(void **state)
{
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	f->store = fixture_open(f, at(0));
	close_again(f);
	assert_int_equal(chown(f->key_file, 1234, 1234), 0);
	expect_refused(f, f->key_file, "chown it");
}

static void
a_key_without_a_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/no/key", f->root);
	f->place.key_file = path;
	expect_refused(f, path, "No such file or directory; make the folder");
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];

	assert_int_equal(mkdir(f->dir, 0700), 0);
	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	write_file(path, "something else", 0600);
	expect_refused(f, "data.mdb", "restore it from a backup");
}

static void
a_second_handle_in_one_process_is_refused(void **state)
{
	struct fixture *f = *state;

	f->store = fixture_join(f, at(0));
	expect_refused(f, f->dir, "open in this process");
	/* The first one still has its locks and works. */
	assert_int_equal(admit(f->store, "e1", "U1", at(0)).fate,
	    STORE_ACCEPTED);
}

static enum store_rc
raise_schema(struct tx *tx, void *arg)
{
	(void)arg;
	tx->global.schema = SCHEMA + 1;
	tx->global_dirty = true;
	return STORE_OK;
}

static void
a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_now now = at(0);

	f->store = fixture_open(f, now);
	assert_int_equal(tx_write(f->store, &now, 1000, raise_schema, NULL),
	    STORE_OK);
	close_again(f);
	expect_refused(f, f->dir, "newer");
}

static enum store_rc
remove_global(struct tx *tx, void *arg)
{
	(void)arg;
	tx->dirty = true;
	return db_del(tx, key_global());
}

static void
a_folder_with_other_data_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store_now now = at(0);

	f->store = fixture_join(f, now);
	admit(f->store, "e1", "U1", at(0));
	assert_int_equal(tx_write(f->store, &now, 1000, remove_global, NULL),
	    STORE_OK);
	close_again(f);
	expect_refused(f, f->dir, "something else");
}

static void
open_at_once(struct fixture *f, struct child *parent, void *arg)
{
	struct store *s;

	(void)arg;
	tell(parent);
	hear(parent);
	s = fixture_join(f, at(0));
	store_close(&s);
}

static void
processes_that_find_an_empty_folder_make_one_store(void **state)
{
	struct fixture *f = *state;
	struct child children[OPENERS];
	int i;

	for (i = 0; i < OPENERS; i++) {
		children[i] = child_start(f, open_at_once, NULL);
		hear(&children[i]);
	}
	for (i = 0; i < OPENERS; i++)
		tell(&children[i]);
	for (i = 0; i < OPENERS; i++)
		child_join(&children[i]);
	f->store = fixture_open(f, at(0));
}

static void
after_the_disk_failed_nothing_works(void **state)
{
	struct fixture *f = *state;
	struct store_event e = message("e1", "U1");
	struct store_verdict v;
	struct store_stat stat;
	size_t n;

	f->store = fixture_join(f, at(0));
	assert_int_equal(store_fail(f->store, EIO), STORE_FATAL);
	assert_int_equal(store_admit(f->store, &e, 1, &generous, at(0), &v),
	    STORE_FATAL);
	assert_int_equal(store_ready(f->store, at(0)), STORE_FATAL);
	assert_int_equal(store_stat(f->store, at(0), &stat, NULL, 0, &n),
	    STORE_FATAL);
}

static void
ready_means_an_admission_could_succeed(void **state)
{
	struct fixture *f = *state;

	f->store = fixture_open(f, at(0));
	assert_int_equal(store_ready(f->store, at(0)), STORE_OK);
}

/* Is text anywhere in the folder's files? */
static bool
folder_has(const char *dir, const char *text)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	static char bytes[(MAP_MB << 20) + 1];
	char path[512];
	ssize_t len;
	bool found = false;
	int fd;

	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		fd = open(path, O_RDONLY);
		assert_true(fd != -1);
		len = read(fd, bytes, sizeof(bytes));
		close(fd);
		assert_true(len >= 0);
		found |= memmem(bytes, (size_t)len, text, strlen(text)) != NULL;
	}
	closedir(d);
	return found;
}

static void
no_text_id_or_token_can_be_read_in_the_files(void **state)
{
	static const char *const canaries[] = { "Ucanary-user", "Gcanary-group",
		"canary-token", "canary-quote", "canary-question",
		"canary-answer", "canary-reply" };
	struct fixture *f = *state;
	struct store_event e = message("known-event-id", "Ucanary-user");
	struct store_verdict v;
	struct store_step step = { .kind = STORE_ANSWER,
		.lease_ms = 1,
		.question = "canary-question",
		.answer = "canary-answer",
		.reply = "canary-reply",
		.reply_len = 12,
		.history_turns = 9,
		.history_bytes = 900 };
	size_t i;

	f->store = fixture_join(f, at(0));
	e.to = "Gcanary-group";
	e.reply_token = "canary-token";
	e.quote_token = "canary-quote";
	e.text = "canary-question";
	assert_int_equal(store_admit(f->store, &e, 1, &generous, at(0), &v),
	    STORE_OK);
	step.lease = v.lease;
	assert_int_equal(store_steps(f->store, &step, 1, at(1)), STORE_OK);
	step.kind = STORE_DEAD;
	assert_int_equal(store_steps(f->store, &step, 1, at(2)), STORE_OK);
	close_again(f);
	for (i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++)
		assert_false(folder_has(f->dir, canaries[i]));
	/* The search works: an event's id is no secret. */
	assert_true(folder_has(f->dir, "known-event-id"));
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_setup_root, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_store_is_closed_to_others_whatever_the_umask),
		TEST(all_disk_space_is_taken_at_the_start),
		TEST(it_opens_again_with_its_key),
		TEST(a_missing_key_is_refused_and_not_replaced),
		TEST(another_key_is_refused),
		TEST(a_key_that_was_there_before_the_store_is_used),
		TEST(a_key_of_another_form_is_refused),
		TEST(a_key_that_others_may_read_is_refused),
		TEST(a_linked_key_is_refused),
		TEST(a_key_beside_the_data_is_refused),
		TEST(a_folder_that_others_may_enter_is_refused),
		TEST(a_linked_folder_is_refused),
		TEST(a_folder_without_a_parent_is_refused),
		TEST(a_linked_file_in_the_folder_is_refused),
		TEST(a_file_that_others_may_read_is_refused),
		TEST(somebody_elses_folder_is_refused),
		TEST(somebody_elses_key_is_refused),
		TEST(a_key_without_a_folder_is_refused),
		TEST(a_file_that_is_no_database_is_refused),
		TEST(a_second_handle_in_one_process_is_refused),
		TEST(a_newer_schema_is_refused),
		TEST(a_folder_with_other_data_is_refused),
		TEST(processes_that_find_an_empty_folder_make_one_store),
		TEST(after_the_disk_failed_nothing_works),
		TEST(ready_means_an_admission_could_succeed),
		TEST(no_text_id_or_token_can_be_read_in_the_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
