/*
 * data.h - reads the files of tests/data and tests/fuzz; a missing one fails
 * the test.
 */
#ifndef TESTS_DATA_H
#define TESTS_DATA_H

#include <stddef.h>

/* The bytes of a file and a NUL, new; their number in *len unless NULL. */
char *data_read(const char *path, size_t *len);

/*
 * The body of a stored answer, new, its length in *len and its status in
 * *status.  A .json file is {"status", "headers", "body"}; any other file is
 * the body itself, and the digits at the end of its name are the status.
 */
char *data_answer(const char *path, int *status, size_t *len);

#endif
