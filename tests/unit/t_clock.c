/*
 * The clocks tell what the kernel tells, in the units their names say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void
wall_clock_is_the_time_of_day(void **state)
{
	int64_t off_ms = clock_wall_ms() - (int64_t)time(NULL) * 1000;

	(void)state;
	assert_true(off_ms > -2000 && off_ms < 3000);
}

static void
boot_clock_only_runs_forward(void **state)
{
	int64_t last = clock_boot_us(), now;
	int i;

	(void)state;
	assert_true(last > 0);
	for (i = 0; i < 1000; i++, last = now) {
		now = clock_boot_us();
		assert_true(now >= last);
	}
	now = clock_boot_ms();
	assert_true(now >= last / 1000 && now < last / 1000 + 1000);
}

static void
boot_id_stays_the_same(void **state)
{
	static const uint8_t zero[16];
	uint8_t a[16], b[16];

	(void)state;
	assert_int_equal(clock_boot_id(a), 0);
	assert_int_equal(clock_boot_id(b), 0);
	assert_memory_equal(a, b, 16);
	assert_memory_not_equal(a, zero, 16);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wall_clock_is_the_time_of_day),
		cmocka_unit_test(boot_clock_only_runs_forward),
		cmocka_unit_test(boot_id_stays_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
