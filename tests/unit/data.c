/* data - files for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/data.h"

char *
data_read(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	size_t cap = 1 << 20, n;
	char *bytes = malloc(cap);

	if (file == NULL || bytes == NULL)
		fail_msg("cannot read %s", path);
	n = fread(bytes, 1, cap - 1, file);
	fclose(file);
	bytes[n] = '\0';
	if (len != NULL)
		*len = n;
	return bytes;
}

char *
data_answer(const char *path, int *status, size_t *len)
{
	char *bytes = data_read(path, len), *body;
	const char *digits;
	json_t *root;

	if (strstr(path, ".json") == NULL) {
		digits = strpbrk(strrchr(path, '/'), "0123456789");
		*status = (int)strtol(digits, NULL, 10);
		return bytes;
	}
	root = json_loadb(bytes, *len, 0, NULL);
	assert_non_null(root);
	free(bytes);
	*status = (int)json_integer_value(json_object_get(root, "status"));
	/* Gemini's answers come with white space everywhere */
	body = json_dumps(json_object_get(root, "body"),
	    JSON_INDENT(2) | JSON_ENCODE_ANY);
	assert_non_null(body);
	*len = strlen(body);
	json_decref(root);
	return body;
}
