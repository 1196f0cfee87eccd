/* path - absolute, and which is inside which. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"

/* Appends a step to an absolute path without slash at its end ("" is /). */
static size_t
step(char *out, size_t len, const char *name, size_t n)
{
	if (n == 0 || (n == 1 && name[0] == '.'))
		return len;
	if (n == 2 && memcmp(name, "..", 2) == 0) {
		while (len > 0 && out[--len] != '/')
			;
		return len;
	}
	out[len++] = '/';
	memcpy(out + len, name, n);
	return len + n;
}

char *
path_absolute(const char *folder, const char *path)
{
	size_t size = strlen(folder) + strlen(path) + 3, len = 0, n;
	char *joined = malloc(size), *out = malloc(size);
	const char *name;

	if (joined == NULL || out == NULL) {
		free(joined);
		free(out);
		return NULL;
	}
	snprintf(joined, size, "%s/%s", *path == '/' ? "" : folder, path);
	for (name = joined; *name != '\0'; name += n + (name[n] == '/')) {
		n = strcspn(name, "/");
		len = step(out, len, name, n);
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	free(joined);
	return out;
}

char *
path_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *name, *folder;

	if (slash == NULL)
		return realpath(".", NULL);
	name = strndup(file, (size_t)(slash - file) + 1);
	if (name == NULL)
		return NULL;
	folder = realpath(name, NULL);
	free(name);
	return folder;
}

/* The path with links followed in that part of it which exists. */
static char *
resolve(const char *path)
{
	char *clean = path_absolute("/", path);
	char *head = clean == NULL ? NULL : strdup(clean);
	char *real = NULL, *out = NULL;
	size_t cut = 0;

	if (head == NULL)
		goto done;
	for (cut = strlen(head); cut > 0; head[cut] = '\0') {
		real = realpath(head, NULL);
		if (real != NULL)
			break;
		if (errno == ENOMEM)
			goto done;
		while (cut > 0 && head[--cut] != '/')
			;
	}
	if (real == NULL)
		out = strdup(clean);
	else
		out = path_absolute(real, clean + cut + (clean[cut] == '/'));
done:
	free(real);
	free(head);
	free(clean);
	return out;
}

int
path_inside(const char *path, const char *folder)
{
	char *in = resolve(path), *out = resolve(folder);
	int inside = -1;
	size_t n;

	if (in != NULL && out != NULL) {
		n = strlen(out);
		while (n > 0 && out[n - 1] == '/')
			n--;
		inside =
		    strncmp(in, out, n) == 0 && (in[n] == '/' || in[n] == '\0');
	}
	free(in);
	free(out);
	return inside;
}
