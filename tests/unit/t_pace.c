/*
 * What a text takes to be spoken is guessed well enough to tell speech from
 * noise, in the scripts of our users.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "audio/pace.h"

/* Texts and what a calm voice needs for them, within a third. */
static void
guesses_are_near(void **state)
{
	static const struct {
		const char *text;
		unsigned ms;
	} rows[] = {
		{ "Drink enough water, rest, and see a doctor when the fever "
		  "lasts longer than three days.",
		    6000 },
		/* drink more water, rest well, see a doctor after three days */
		{ "\xe5\xa4\x9a\xe5\x96\x9d\xe6\xb0\xb4\xef\xbc\x8c"
		  "\xe5\xa4\x9a\xe4\xbc\x91\xe6\x81\xaf\xef\xbc\x8c"
		  "\xe7\x99\xbc\xe7\x87\x92\xe8\xb6\x85\xe9\x81\x8e"
		  "\xe4\xb8\x89\xe5\xa4\xa9\xe8\xab\x8b\xe7\x9c\x8b"
		  "\xe9\x86\xab\xe7\x94\x9f\xe3\x80\x82",
		    4800 },
		/* Thai: drink much water and rest */
		{ "\xe0\xb8\x94\xe0\xb8\xb7\xe0\xb9\x88\xe0\xb8\xa1"
		  "\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3\xe0\xb8\xa1"
		  "\xe0\xb8\xb2\xe0\xb8\x81\xe0\xb9\x86",
		    900 },
		{ "38.5", 1300 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_in_range(pace_text_ms(rows[i].text), rows[i].ms * 2 / 3,
		    rows[i].ms * 4 / 3);
}

static void
nothing_takes_no_time(void **state)
{
	(void)state;
	assert_int_equal(pace_text_ms(""), 0);
	assert_int_equal(pace_text_ms("\xff\xfe"), 0);
	assert_int_equal(pace_char_ms(0), 0);
	assert_int_equal(pace_char_ms(UINT32_MAX), 0);
}

static void
noise_and_a_cut_voice_are_not_plausible(void **state)
{
	static const struct {
		unsigned text_ms, duration_ms;
		bool plausible;
	} rows[] = {
		{ 6000, 6000, true }, { 6000, 3000, true },
		{ 6000, 12000, true }, { 6000, 500, false }, /* cut off */
		{ 60000, 500, false }, /* a page in half a second */
		{ 60000, 12000, false }, { 6000, 60000, false },
		{ 300, 700, true }, /* "Yes." with silence around it */
		{ 300, 4000, true },
		{ 300, 120000, false }, /* minutes of noise */
		{ 300, 100, true },
		{ 300, 99, false }, /* nobody speaks so fast */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(pace_is_plausible(rows[i].text_ms,
				     rows[i].duration_ms),
		    rows[i].plausible);
	assert_true(pace_is_plausible(UINT64_MAX / 8, UINT64_MAX / 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses_are_near),
		cmocka_unit_test(nothing_takes_no_time),
		cmocka_unit_test(noise_and_a_cut_voice_are_not_plausible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
