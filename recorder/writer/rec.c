/* SPDX-License-Identifier: MIT */
/**
 * rec.c: open and close a recording.
 *
 * The header is in the file before gtrace_rec_open() returns: from then on there is no moment at
 * which the program could die and leave something unreadable.
 *
 * After fork() the child has the mapping but not the writer thread, and its bytes would land in the
 * parent's batches.  A handler in the child makes all its streams dead, and lets go of the parent's
 * files.  It needs no lock of a recording, which a thread that is not there could hold for ever: it
 * reads what is set once, before the recording is on the list, and the descriptors that change,
 * which is why that happens under recs.lock alone.  The handlers are there before main(): a fork()
 * that goes on when the first recording begins calls none that is added meanwhile.
 *
 * Rejected: to lock every recording before fork(), so that its state is whole in the child.  Nobody
 * needs it there, and fork() would wait for those who hold the locks.
 */
#define _GNU_SOURCE
#include "writer/rec.h"

#include "clock.h"
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PATH_TRIES 10000 // path, path.1, path.2 ...

static struct {
	pthread_mutex_t lock;
	struct gtrace_rec *list; // lock
	bool child;              // of a process that recorded when it forked
} recs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void recs_fork_prepare(void)
{
	pthread_mutex_lock(&recs.lock);
}

static void recs_fork_parent(void)
{
	pthread_mutex_unlock(&recs.lock);
}

static void recs_fork_child(void)
{
	for (struct gtrace_rec *rec = recs.list; rec; rec = rec->next) {
		struct stream *s = atomic_load_explicit(&rec->streams, memory_order_acquire);

		atomic_store_explicit(&rec->forked, 1, memory_order_relaxed);
		for (; s; s = s->next)
			gtrace__stream_kill(s);
		if (rec->file.fd >= 0)
			close(rec->file.fd);
		rec->file.fd = -1;
		if (rec->other_fd >= 0)
			close(rec->other_fd);
		rec->other_fd = -1;
		gtrace__sidecar_leave(&rec->side);
		recs.child = true;
	}
	pthread_mutex_unlock(&recs.lock);
}

void gtrace__recs_lock(void)
{
	pthread_mutex_lock(&recs.lock);
}

void gtrace__recs_unlock(void)
{
	pthread_mutex_unlock(&recs.lock);
}

int gtrace__other_create(struct gtrace_rec *rec, const char *path, int flags)
{
	gtrace__recs_lock();
	int fd = gtrace__file_create(path, O_WRONLY | flags);

	rec->other_fd = fd;
	gtrace__recs_unlock();
	return fd;
}

void gtrace__other_close(struct gtrace_rec *rec, struct gtrace__file *f)
{
	gtrace__recs_lock();
	gtrace__file_close(f);
	rec->other_fd = -1;
	gtrace__recs_unlock();
}

__attribute__((constructor)) static void recs_load(void)
{
	pthread_atfork(recs_fork_prepare, recs_fork_parent, recs_fork_child);
}

static void recs_add(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&recs.lock);
	rec->next = recs.list;
	recs.list = rec;
	pthread_mutex_unlock(&recs.lock);
}

static void recs_remove(struct gtrace_rec *rec)
{
	pthread_mutex_lock(&recs.lock);
	for (struct gtrace_rec **p = &recs.list; *p; p = &(*p)->next) {
		if (*p == rec) {
			*p = rec->next;
			break;
		}
	}
	pthread_mutex_unlock(&recs.lock);
}

/**
 * %p pid, %e program, %t start time, %% itself.  Of a child of fork() the name has its pid in any
 * case, or it would look like the parent's next one.  Returns: 0 or -ENAMETOOLONG.
 */
static int path_expand(char *out, size_t cap, const char *path)
{
	bool pid = false;
	size_t len = 0;

	for (const char *p = path; *p; p++) {
		char word[256] = {*p, '\0'};
		time_t now = time(NULL);
		struct tm tm;

		if (p[0] == '%' && p[1] == 'p')
			pid = snprintf(word, sizeof(word), "%d", (int)getpid()) > 0;
		else if (p[0] == '%' && p[1] == 'e')
			snprintf(word, sizeof(word), "%s", gtrace__program_name());
		else if (p[0] == '%' && p[1] == 't' && gmtime_r(&now, &tm))
			strftime(word, sizeof(word), "%Y%m%dT%H%M%SZ", &tm);
		if (p[0] == '%' && p[1] && strchr("pet%", p[1]))
			p++;
		if (len + strlen(word) >= cap)
			return -ENAMETOOLONG;
		strcpy(out + len, word);
		len += strlen(word);
	}
	out[len] = '\0';
	if (recs.child && !pid &&
	    (size_t)snprintf(out + len, cap - len, ".%d", (int)getpid()) >= cap - len)
		return -ENAMETOOLONG;
	return 0;
}

/** Create the first of path, path.1, path.2 ... that is not there.  Returns: the descriptor or a
 * negative errno. */
static int path_create(struct gtrace_rec *rec)
{
	char path[sizeof(rec->opt.path)];
	int err = path_expand(path, sizeof(path), rec->opt.path);

	snprintf(rec->path, sizeof(rec->path), "%s", err ? rec->opt.path : path);
	for (int i = 0; !err && i < PATH_TRIES; i++) {
		if (i)
			snprintf(rec->path, sizeof(rec->path), "%s.%d", path, i);
		snprintf(rec->side_path, sizeof(rec->side_path), "%s.live", rec->path);
		// A sidecar alone was left by someone; it would be taken for ours.
		if (!access(rec->side_path, F_OK))
			continue;
		int fd = gtrace__file_create(rec->path, O_WRONLY | O_EXCL);

		if (fd != -EEXIST)
			return fd;
	}
	return err ? err : -EEXIST;
}

static int thread_start(struct gtrace_rec *rec)
{
	sigset_t all, saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	int err = pthread_create(&rec->thread, NULL, gtrace__writer_main, rec);

	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (!err)
		pthread_setname_np(rec->thread, "gtrace-writer");
	return -err;
}

static struct gtrace_rec *rec_alloc(const struct gtrace_options *opt, const char *info,
                                    void (*notify)(const char *line))
{
	struct gtrace_rec *rec = calloc(1, sizeof(*rec));
	char *copy = strdup(info ? info : "");

	if (!rec || !copy) {
		free(rec);
		free(copy);
		return NULL;
	}
	rec->info = copy;
	rec->apart = opt->ring_bytes || opt->rotate_bytes;
	rec->opt = *opt;
	rec->notify = notify;
	rec->file.fd = rec->other_fd = -1;
	rec->full_tail = &rec->full;
	rec->generation = 1;
	pthread_mutex_init(&rec->lock, NULL);
	pthread_cond_init(&rec->room, NULL);
	pthread_cond_init(&rec->done, NULL);
	return rec;
}

static void rec_release(struct gtrace_rec *rec)
{
	struct stream *next;

	for (struct stream *s = rec->streams; s; s = next) {
		next = s->next;
		free(s->stacks);
		free(s);
	}
	gtrace__file_close(&rec->file);
	gtrace__sidecar_close(&rec->side);
	gtrace__rotate_release(rec);
	free(rec->info);
	pthread_cond_destroy(&rec->done);
	pthread_cond_destroy(&rec->room);
	pthread_mutex_destroy(&rec->lock);
	free(rec);
}

/** The names that outlive a change of the directory. */
static int paths_absolute(struct gtrace_rec *rec)
{
	if (!realpath(rec->path, rec->base))
		return -errno;
	snprintf(rec->side_path, sizeof(rec->side_path), "%s.live", rec->base);
	return 0;
}

void gtrace__numbered_path(const struct gtrace_rec *rec, char out[REC_PATH_BYTES], int digits,
                           unsigned number)
{
	static const char suffix[] = ".gtrace";
	size_t len = strlen(rec->base), end = sizeof(suffix) - 1;
	bool has = len > end && !strcmp(rec->base + len - end, suffix);

	snprintf(out, REC_PATH_BYTES, "%.*s.%0*u%s", (int)(has ? len - end : len), rec->base, digits,
	         number, has ? suffix : "");
}

static int rec_start(struct gtrace_rec *rec)
{
	rec->start = gtrace__clock_now();
	rec->id = rec->start.wall_ns ^ (uint64_t)getpid() << 40;
	int fd = path_create(rec);

	if (fd < 0)
		return fd;
	if (getrandom(&rec->id, sizeof(rec->id), GRND_NONBLOCK) < 0)
		rec->id ^= rec->start.ticks; // unlikely to be met again, which is all it is for
	int err = gtrace__file_open(&rec->file, fd, rec->opt.zstd_level);

	if (!err)
		err = paths_absolute(rec);
	if (!err)
		err = gtrace__sidecar_open(&rec->side, rec->side_path, rec->id, &rec->start);
	if (err) {
		unlink(rec->path);
		return err;
	}
	err = gtrace__header_write(rec, &rec->file);
	if (!err && rec->opt.ring_bytes)
		err = gtrace__ring_init(rec);
	if (!err && rec->opt.rotate_bytes)
		err = gtrace__rotate_init(rec);
	if (!err)
		err = thread_start(rec);
	if (err) {
		unlink(rec->path);
		unlink(rec->side_path);
	}
	return err;
}

int gtrace_rec_open(struct gtrace_rec **out, const struct gtrace_options *opt, const char *info,
                    void (*notify)(const char *line), struct gtrace_error *err)
{
	*out = NULL;
	gtrace__clock_choose();
	struct gtrace_rec *rec = rec_alloc(opt, info, notify);

	if (!rec)
		return gtrace__error(err, -ENOMEM, UINT64_MAX, "no memory to record");
	int code = rec_start(rec);

	if (code) {
		gtrace__error(err, code, UINT64_MAX, "cannot create '%.200s': %s", rec->path,
		              strerror(-code));
		rec_release(rec);
		return code;
	}
	recs_add(rec);
	*out = rec;
	return 0;
}

const char *gtrace_rec_path(const struct gtrace_rec *rec)
{
	return rec->path;
}

enum gtrace_level gtrace_rec_level(const struct gtrace_rec *rec)
{
	return rec->opt.level;
}

unsigned gtrace_rec_stack_frames(const struct gtrace_rec *rec)
{
	return rec->opt.stack_frames;
}

int gtrace_rec_close(struct gtrace_rec *rec, enum gtrace_end end, int code)
{
	if (!rec || atomic_load_explicit(&rec->forked, memory_order_relaxed))
		return 0;
	pthread_mutex_lock(&rec->lock);
	if (!rec->ends) {
		rec->ends = true;
		rec->end = end;
		rec->end_code = code;
		gtrace__writer_wake(rec);
	}
	while (rec->state != REC_DONE)
		pthread_cond_wait(&rec->done, &rec->lock);
	int err = rec->error;
	bool join = !rec->joined && !pthread_equal(pthread_self(), rec->thread);

	rec->joined |= join;
	pthread_mutex_unlock(&rec->lock);
	if (join)
		pthread_join(rec->thread, NULL);
	return err;
}

void gtrace_rec_signal(struct gtrace_rec *rec, int signo)
{
	int saved_errno = errno;

	if (atomic_load_explicit(&rec->forked, memory_order_relaxed)) {
		gtrace__reraise(signo);
		return;
	}
	atomic_store_explicit(&rec->side.page->end_signal, (uint32_t)signo, memory_order_relaxed);
	atomic_store_explicit(&rec->signo, signo, memory_order_seq_cst);
	gtrace__writer_wake(rec);
	// The writer thread sets `gone` and then looks at signo; here it is the other way round.
	if (atomic_load_explicit(&rec->gone, memory_order_seq_cst))
		gtrace__reraise(signo);
	errno = saved_errno;
}

bool gtrace_rec_fault(struct gtrace_rec *rec, int signo, int64_t wait_ns)
{
	int saved_errno = errno;
	bool whole = false;

	if (!atomic_load_explicit(&rec->forked, memory_order_relaxed)) {
		atomic_store_explicit(&rec->side.page->end_signal, (uint32_t)signo, memory_order_relaxed);
		atomic_store_explicit(&rec->faulted, 1, memory_order_seq_cst);
		atomic_store_explicit(&rec->signo, signo, memory_order_seq_cst);
		gtrace__writer_wake(rec);
		if (syscall(SYS_gettid) != atomic_load_explicit(&rec->tid, memory_order_relaxed))
			whole = gtrace__writer_await(rec, wait_ns);
	}
	errno = saved_errno;
	return whole;
}

bool gtrace_rec_used(struct gtrace_rec *rec)
{
	if (atomic_load_explicit(&rec->forked, memory_order_relaxed))
		return true; // a copy, which nobody can release
	pthread_mutex_lock(&rec->lock);
	bool used = rec->state != REC_DONE || rec->stream_used > 0;

	pthread_mutex_unlock(&rec->lock);
	return used;
}

void gtrace_rec_free(struct gtrace_rec *rec)
{
	if (!rec || atomic_load_explicit(&rec->forked, memory_order_relaxed))
		return; // a copy of the parent's, in whatever state; the list keeps it
	recs_remove(rec);
	if (!rec->joined)
		pthread_join(rec->thread, NULL);
	rec_release(rec);
}
