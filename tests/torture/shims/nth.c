/*
 * nth.c - the n-th call fails, or a signal comes with it: allocations, system
 * calls, and the moments when a transaction has begun to read.
 *
 * NTH_FILE names a file of struct fault, one for each name in the table below,
 * mapped by all workers and by the test, who sets them (see faults.py): calls
 * are counted over all processes, and those from number `from` on fail,
 * `times` of them.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fault {
	_Atomic int64_t from; /* 1: the next call; 0: none fails */
	_Atomic int64_t times;
	_Atomic int64_t calls;  /* since the test set it */
	_Atomic int64_t fired;  /* of them, failed */
	_Atomic int64_t action; /* errno, or a signal below zero */
	_Atomic int64_t pid;    /* of the last one that failed */
};

/* The same order as in faults.py. */
enum which {
	ALLOC = 0,
	ACCEPT,
	SOCKET,
	OPEN,
	MMAP,
	PWRITE,
	FLUSH,
	SNAPSHOT,
	ALLOC_FCGI,
	WHICH__MAX
};

static struct fault *faults;

/* Where libfcgi's code lies: it asserts that it gets memory. */
static uintptr_t fcgi_from, fcgi_to;

static int
find_fcgi(struct dl_phdr_info *lib, size_t size, void *arg)
{
	const ElfW(Phdr) *part = lib->dlpi_phdr;
	int i;

	(void)size;
	(void)arg;
	if (strstr(lib->dlpi_name, "/libfcgi.so") == NULL)
		return 0;
	for (i = 0; i < lib->dlpi_phnum; i++, part++)
		if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
			fcgi_from = lib->dlpi_addr + part->p_vaddr;
			fcgi_to = fcgi_from + part->p_memsz;
		}
	return 1;
}

__attribute__((constructor)) static void
map_faults(void)
{
	const char *path = getenv("NTH_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *at;

	if (fd == -1)
		abort(); /* a test without its fault would pass */
	at = mmap(NULL, WHICH__MAX * sizeof(struct fault),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		abort();
	close(fd);
	(void)dl_iterate_phdr(find_fcgi, NULL);
	faults = at;
}

/* Is it this call's turn?  Then errno is set, or the signal was raised. */
static bool
fails(enum which which)
{
	struct fault *f = &faults[which];
	int64_t from, call, action;

	if (faults == NULL || (from = atomic_load(&f->from)) == 0)
		return false;
	call = atomic_fetch_add(&f->calls, 1) + 1;
	if (call < from || call >= from + atomic_load(&f->times))
		return false;
	action = atomic_load(&f->action);
	atomic_store(&f->pid, getpid());
	atomic_fetch_add(&f->fired, 1);
	if (action > 0)
		errno = (int)action;
	else
		raise((int)-action);
	return action > 0;
}

static void *
real(void **known, const char *name)
{
	if (*known == NULL)
		*known = dlsym(RTLD_NEXT, name);
	return *known;
}

/*
 * type name(parameters), which is the real one called with arguments.  A type
 * of its own for the call, since "type(*call) parameters" would want brackets
 * around what is a declaration.
 */
#define FAILING(which, failed, type, name, parameters, arguments) \
	type name parameters                                      \
	{                                                         \
		static void *known;                               \
		__typeof__(&(name)) call;                         \
                                                                  \
		if (fails(which))                                 \
			return failed;                            \
		*(void **)&call = real(&known, #name);            \
		return call arguments;                            \
	}

/* Whose allocation is it, by the address that it returns to? */
static enum which
whose(const void *caller)
{
	uintptr_t at = (uintptr_t)caller;

	return at >= fcgi_from && at < fcgi_to ? ALLOC_FCGI : ALLOC;
}
#define CALLER whose(__builtin_return_address(0))

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);

void *
malloc(size_t size)
{
	return fails(CALLER) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails(CALLER) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return fails(CALLER) ? NULL : __libc_realloc(old, size);
}

FAILING(ACCEPT, -1, int, accept4,
    (int fd, __SOCKADDR_ARG from, socklen_t *restrict len, int flags),
    (fd, from, len, flags))
FAILING(SOCKET, -1, int, socket, (int family, int type, int protocol),
    (family, type, protocol))
FAILING(MMAP, MAP_FAILED, void *, mmap,
    (void *at, size_t len, int rights, int flags, int fd, off_t offset),
    (at, len, rights, flags, fd, offset))
FAILING(PWRITE, -1, ssize_t, pwrite,
    (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))
FAILING(PWRITE, -1, ssize_t, pwritev,
    (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at))
FAILING(FLUSH, -1, int, fdatasync, (int fd), (fd))

/* A mode comes only with O_CREAT. */
static mode_t
mode_of(int flags, va_list args)
{
	return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	static void *known;
	int (*call)(const char *, int, ...);
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (fails(OPEN))
		return -1;
	*(void **)&call = real(&known, "open");
	return call(path, flags, mode);
}

int
openat(int dir_fd, const char *path, int flags, ...)
{
	static void *known;
	int (*call)(int, const char *, int, ...);
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (fails(OPEN))
		return -1;
	*(void **)&call = real(&known, "openat");
	return call(dir_fd, path, flags, mode);
}

/* LMDB's, which only store/ may include: a snapshot, once it is taken. */
enum { READ_ONLY = 0x20000 };
int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn);

int
mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn)
{
	static void *known;
	int (*call)(void *, void *, unsigned, void **);
	int rc;

	*(void **)&call = real(&known, "mdb_txn_begin");
	rc = call(env, parent, flags, txn);
	if (flags & READ_ONLY)
		(void)fails(SNAPSHOT); /* by signals alone */
	return rc;
}
