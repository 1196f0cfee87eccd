/*
 * f_settings - any settings file; a refusal is one clean line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char err[SETTINGS_ERROR_MAX] = "";
	struct settings settings;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (settings_parse(&settings, "/env", (const char *)bytes, len, err,
		sizeof(err)) == -1) {
		if (err[0] == '\0' || strchr(err, '\n') != NULL)
			abort();
		return 0;
	}
	out = open_memstream(&text, &size);
	settings_print(&settings, out);
	fclose(out);
	free(text);
	settings_release(&settings);
	return 0;
}
