/*
 * A voice answer is under its name whole or not at all, cannot be guessed, and
 * goes when it is too old or when newer ones need its room; nothing that is
 * not ours is touched.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/shelf.h"

static char dir[64], folder[128];
static const struct shelf_limits usual = { 3600, 1024 * 1024 };
enum { NOW_S = 1700000000 };
#define NOW_MS ((int64_t)NOW_S * 1000)

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/t_shelf-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(folder, sizeof(folder), "%s/audio", dir);
	return shelf_open(folder) == SHELF_OK ? 0 : -1;
}

static const char *
in_folder(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int
tear_down(void **state)
{
	const struct dirent *found;
	DIR *list;

	(void)state;
	unlink(folder); /* a link: what it points to is not ours to empty */
	list = opendir(folder);
	while (list != NULL && (found = readdir(list)) != NULL)
		if (found->d_name[0] != '.' || found->d_name[1] == '0')
			unlink(in_folder(found->d_name));
	if (list != NULL)
		closedir(list);
	rmdir(folder);
	return rmdir(dir);
}

/* A file of n bytes that was written age_s before now. */
static void
lay(const char *name, size_t n, int64_t age_s)
{
	const struct timespec times[2] = { { .tv_sec = NOW_S - age_s },
		{ .tv_sec = NOW_S - age_s } };
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool
is_there(const char *name)
{
	struct stat st;

	return lstat(in_folder(name), &st) == 0;
}

#define ONE   "01010101010101010101010101010101.mp3"
#define TWO   "02020202020202020202020202020202.mp3"
#define THREE "03030303030303030303030303030303.mp3"
#define BEGUN ".04040404040404040404040404040404.tmp"

static struct shelf_swept
swept(uint32_t ttl_s, uint64_t max_bytes)
{
	const struct shelf_limits limits = { ttl_s, max_bytes };
	struct shelf_swept swept;

	assert_int_equal(shelf_sweep(folder, &limits, NOW_MS, &swept),
	    SHELF_OK);
	return swept;
}

static void
draw(char name[SHELF_NAME_SIZE])
{
	uint8_t bits[SHELF_BITS / 8];

	assert_int_equal(getrandom(bits, sizeof(bits), 0), sizeof(bits));
	shelf_name(bits, name);
}

static void
put_one(char name[SHELF_NAME_SIZE])
{
	draw(name);
	assert_int_equal(shelf_put(folder, "sound", 5, &usual, NOW_MS, name),
	    SHELF_OK);
}

static void
a_file_appears_whole_and_alone(void **state)
{
	char name[SHELF_NAME_SIZE], bytes[16];
	const struct dirent *found;
	size_t n = 0;
	FILE *file;
	DIR *list;

	(void)state;
	put_one(name);
	assert_int_equal(strlen(name), 36);
	assert_int_equal(strspn(name, "0123456789abcdef"), 32);
	assert_string_equal(name + 32, ".mp3");
	file = fopen(in_folder(name), "r");
	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), 5);
	assert_memory_equal(bytes, "sound", 5);
	fclose(file);
	list = opendir(folder);
	while ((found = readdir(list)) != NULL)
		n += strcmp(found->d_name, ".") != 0 &&
		    strcmp(found->d_name, "..") != 0;
	closedir(list);
	assert_int_equal(n, 1);
}

/* Who takes over from a killed process publishes the same again. */
static void
a_name_may_be_used_again(void **state)
{
	char name[SHELF_NAME_SIZE];
	struct stat st;

	(void)state;
	put_one(name);
	lay(BEGUN, 10, 1);
	assert_int_equal(shelf_put(folder, "another", 7, &usual, NOW_MS, name),
	    SHELF_OK);
	assert_int_equal(stat(in_folder(name), &st), 0);
	assert_int_equal(st.st_size, 7);
	assert_int_equal(shelf_put(folder, "x", 1, &usual, NOW_MS, "../a.mp3"),
	    SHELF_ERR);
}

static void
the_umask_says_who_may_read(void **state)
{
	static const struct {
		mode_t mask, folder, file;
	} rows[] = {
		{ 022, 0711, 0644 },
		{ 077, 0700, 0600 },
	};
	char name[SHELF_NAME_SIZE];
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mode_t before = umask(rows[i].mask);

		rmdir(folder);
		assert_int_equal(shelf_open(folder), SHELF_OK);
		put_one(name);
		umask(before);
		assert_int_equal(stat(folder, &st), 0);
		assert_int_equal(st.st_mode & 07777, rows[i].folder);
		assert_int_equal(stat(in_folder(name), &st), 0);
		assert_int_equal(st.st_mode & 07777, rows[i].file);
		unlink(in_folder(name));
	}
}

static void
names_do_not_repeat(void **state)
{
	char names[64][SHELF_NAME_SIZE];
	size_t i, k;

	(void)state;
	for (i = 0; i < 64; i++) {
		put_one(names[i]);
		for (k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
}

static void
old_ones_go(void **state)
{
	struct shelf_swept got;

	(void)state;
	lay(ONE, 10, 101);
	lay(TWO, 20, 100);
	lay(THREE, 30, 0);
	got = swept(100, 1000);
	assert_int_equal(got.expired, 1);
	assert_int_equal(got.evicted, 0);
	assert_int_equal(got.bytes, 50);
	assert_false(is_there(ONE));
	assert_true(is_there(TWO) && is_there(THREE));
}

/* Written before the clock was set back. */
static void
those_from_a_far_future_go_as_well(void **state)
{
	(void)state;
	lay(ONE, 10, -101);
	lay(TWO, 10, -100);
	assert_int_equal(swept(100, 1000).expired, 1);
	assert_true(is_there(TWO));
}

static void
the_oldest_make_room(void **state)
{
	struct shelf_swept got;

	(void)state;
	lay(ONE, 400, 10);
	lay(TWO, 400, 30);
	lay(THREE, 400, 20);
	got = swept(100, 1200);
	assert_int_equal(got.evicted, 0);
	got = swept(100, 1199);
	assert_int_equal(got.evicted, 1);
	assert_int_equal(got.bytes, 800);
	assert_false(is_there(TWO));
	got = swept(100, 0);
	assert_int_equal(got.evicted, 2);
	assert_int_equal(got.bytes, 0);
}

static void
a_new_one_makes_its_own_room(void **state)
{
	const struct shelf_limits limits = { 100, 1000 };
	char name[SHELF_NAME_SIZE], bytes[1001] = "";

	(void)state;
	draw(name);
	lay(ONE, 400, 10);
	lay(TWO, 400, 30);
	assert_int_equal(shelf_put(folder, bytes, 600, &limits, NOW_MS, name),
	    SHELF_OK);
	assert_true(is_there(ONE) && is_there(name));
	assert_false(is_there(TWO));
	assert_int_equal(shelf_put(folder, bytes, 1001, &limits, NOW_MS, name),
	    SHELF_FULL);
	assert_true(is_there(ONE));
}

static void
what_a_killed_process_began_goes_later(void **state)
{
	(void)state;
	lay(BEGUN, 10, 600);
	assert_int_equal(swept(100, 1000).unfinished, 0);
	assert_int_equal(swept(100, 5).evicted, 0);
	assert_true(is_there(BEGUN));
	lay(BEGUN, 10, 601);
	assert_int_equal(swept(100000, 1000).unfinished, 1);
	assert_false(is_there(BEGUN));
}

static void
what_is_not_ours_stays(void **state)
{
	static const char *const names[] = { "song.mp3", ".htaccess",
		"0101010101010101010101010101010.mp3",
		"010101010101010101010101010101010.mp3",
		"01010101010101010101010101010101.mp3x",
		"0101010101010101010101010101010A.mp3",
		"04040404040404040404040404040404.tmp" };
	struct shelf_swept got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		lay(names[i], 10, 1000);
	assert_int_equal(symlink("/etc/passwd", in_folder(ONE)), 0);
	assert_int_equal(mkdir(in_folder(TWO), 0700), 0);
	got = swept(1, 0);
	assert_int_equal(got.expired + got.evicted + got.unfinished, 0);
	assert_int_equal(got.bytes, 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(is_there(names[i]));
	assert_true(is_there(ONE) && is_there(TWO));
	rmdir(in_folder(TWO));
	unlink(in_folder(".htaccess"));
}

static void
no_folder_and_no_link_to_one(void **state)
{
	char name[SHELF_NAME_SIZE];
	struct shelf_swept got;

	(void)state;
	draw(name);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(shelf_sweep(folder, &usual, NOW_MS, &got), SHELF_NONE);
	assert_int_equal(got.bytes, 0);
	assert_int_equal(shelf_put(folder, "x", 1, &usual, NOW_MS, name),
	    SHELF_NONE);
	assert_int_equal(symlink(dir, folder), 0);
	assert_int_equal(shelf_open(folder), SHELF_ERR);
	assert_int_equal(shelf_sweep(folder, &usual, NOW_MS, &got), SHELF_ERR);
	assert_int_equal(shelf_put(folder, "x", 1, &usual, NOW_MS, name),
	    SHELF_ERR);
}

/* Four processes at once, with room for half of what they write. */
static void
several_processes_share_it(void **state)
{
	const struct shelf_limits limits = { 3600, 50 * 1000 };
	const int64_t now_ms = (int64_t)time(NULL) * 1000;
	char name[SHELF_NAME_SIZE], bytes[1000] = "";
	struct shelf_swept got;
	int i, k, status;

	(void)state;
	for (k = 0; k < 4; k++)
		if (fork() == 0) {
			for (i = 0; i < 25; i++) {
				draw(name);
				if (shelf_put(folder, bytes, sizeof(bytes),
					&limits, now_ms, name) != SHELF_OK)
					_exit(1);
			}
			_exit(0);
		}
	for (k = 0; k < 4; k++) {
		assert_int_not_equal(wait(&status), -1);
		assert_int_equal(status, 0);
	}
	assert_int_equal(shelf_sweep(folder, &limits, now_ms, &got), SHELF_OK);
	assert_in_range(got.bytes, 40 * 1000, 50 * 1000);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_appears_whole_and_alone),
		TEST(a_name_may_be_used_again),
		TEST(the_umask_says_who_may_read),
		TEST(names_do_not_repeat),
		TEST(old_ones_go),
		TEST(those_from_a_far_future_go_as_well),
		TEST(the_oldest_make_room),
		TEST(a_new_one_makes_its_own_room),
		TEST(what_a_killed_process_began_goes_later),
		TEST(what_is_not_ours_stays),
		TEST(no_folder_and_no_link_to_one),
		TEST(several_processes_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
