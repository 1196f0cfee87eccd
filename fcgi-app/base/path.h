/*
 * path.h - paths as settings name them.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

/*
 * The path seen from folder (absolute), without ".", ".." and double slashes;
 * it need not exist.  New; NULL when memory is short.
 */
char *path_absolute(const char *folder, const char *path);

/* The folder a file is in, absolute and without links.  New; NULL: errno. */
char *path_folder(const char *file);

/*
 * Is path folder itself or below it (both absolute), links followed as far as
 * each exists?  1, 0, or -1 when memory is short.
 */
int path_inside(const char *path, const char *folder);

#endif
