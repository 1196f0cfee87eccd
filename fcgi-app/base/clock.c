/* clock - wall clock, boot clock, boot id. */
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* These clocks always exist, so there is no error to return. */
static struct timespec
read_clock(clockid_t id)
{
	struct timespec now = { 0 };

	clock_gettime(id, &now);
	return now;
}

int64_t
clock_wall_ms(void)
{
	struct timespec now = read_clock(CLOCK_REALTIME);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_boot_us(void)
{
	struct timespec now = read_clock(CLOCK_BOOTTIME);

	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_boot_ms(void)
{
	return clock_boot_us() / 1000;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* A UUID in lower case, 36 characters, to its 16 bytes. */
static int
parse_uuid(const char *text, uint8_t id[16])
{
	size_t digits = 0, i;

	for (i = 0; i < 36; i++) {
		int digit = hex_digit(text[i]);

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return -1;
			continue;
		}
		if (digit == -1)
			return -1;
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | digit);
		digits++;
	}
	return 0;
}

static pthread_once_t boot_once = PTHREAD_ONCE_INIT;
static uint8_t boot_id[16];
static int boot_rc = -1;

static void
read_boot_id(void)
{
	char text[36];
	ssize_t n;
	int fd;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n == sizeof(text))
		boot_rc = parse_uuid(text, boot_id);
}

int
clock_boot_id(uint8_t id[16])
{
	(void)pthread_once(&boot_once, read_boot_id);
	memcpy(id, boot_id, sizeof(boot_id));
	return boot_rc;
}
