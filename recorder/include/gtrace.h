/* SPDX-License-Identifier: MIT */
/**
 * gtrace.h: write and read traces of goroutine scheduling.
 *
 * Two halves that share nothing but the event list:
 *
 *   writer   gtrace_rec_*, gtrace_stream_*, GTRACE_EMIT    for a runtime
 *   reader   gtrace_reader_*                               for an analyzer
 *
 * docs/trace-format.md describes the file.  The library never prints and never exits; what went
 * wrong is in a struct gtrace_error.
 */
#ifndef GTRACE_H
#define GTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#error "gtrace.h is C11; include it from C"
#endif
#include <stdatomic.h>

#define GTRACE_VERSION "0.1.0"
#define GTRACE_FORMAT_MAJOR 1
#define GTRACE_FORMAT_MINOR 0

#define GTRACE_EXPORT __attribute__((visibility("default")))
#define GTRACE_INLINE static inline __attribute__((always_inline))

/* ── what is in a trace ──────────────────────────────────────────────────────────────────────── */

enum gtrace_event_id {
#define EVENT(id, name, ...) GTRACE_##name = (id),
#include <gtrace_events.def>
#undef EVENT
	GTRACE_GAP = 200, // made by the reader: events of one thread are missing here; args: thread,
	                  // batches, events (0: unknown)
	GTRACE_EVENT_COUNT
};

/* GTRACE_reason_CHAN_RECV, GTRACE_op_GO ...: the list's own name in lower case is kept. */
enum gtrace_name {
#define NAME(list, number, name, text) GTRACE_##list##_##name = (number),
#include <gtrace_names.def>
#undef NAME
};

#define GTRACE_ARGS_MAX 8
#define GTRACE_WAIT_DEADLINE 1u // GO_PARK flags: ends by itself
#define GTRACE_WAIT_CANCEL 2u   // GO_PARK flags: has a cancel handle

/** The words of a number: gtrace_name("reason", 1) is "chan receive"; "?" if there is none. */
GTRACE_EXPORT const char *gtrace_name(const char *list, uint64_t number);

/** One row of events.def. */
struct gtrace_event_desc {
	uint16_t id;
	uint8_t nargs;
	const char *name;                  // "GO_PARK"
	const char *arg[GTRACE_ARGS_MAX];  // "reason", "obj" ...
	const char *kind[GTRACE_ARGS_MAX]; // "reason", "obj", "u", "bytes" ...
};

/** The row of an event id, or NULL. */
GTRACE_EXPORT const struct gtrace_event_desc *gtrace_event_desc(unsigned id);

/** A call site, compiled into the program: 32 bytes, read-only.  op is a GTRACE_op_*. */
struct gtrace_site {
	const char *file;
	const char *func;
	const char *text; // the argument's own text: done, worker ...; "" if none
	uint32_t line;
	uint32_t op;
};

/** How a recording ended. */
enum gtrace_end {
	GTRACE_END_CUT,      // nothing says: killed, or still running
	GTRACE_END_EXIT,     // code: the exit status
	GTRACE_END_DEADLOCK, // code: the exit status
	GTRACE_END_PANIC,    // code: the exit status
	GTRACE_END_SIGNAL,   // code: the signal's number
	GTRACE_END_STOPPED,  // the program asked for it and went on
	GTRACE_END_DUMP,     // a dump of a flight recorder, which went on
	GTRACE_END_ROTATED,  // the recording goes on in the next file
};

struct gtrace_error {
	int code;        // negative errno, or one of the below
	uint64_t offset; // byte of the file, or UINT64_MAX
	char text[320];  // one line, lower case, no full stop, names the file and the place
};

enum {                        // codes beside errno's; all are below -4096
	GTRACE_ENOTTRACE = -5001, // not a trace at all
	GTRACE_ENEWER = -5002,    // of a newer major version
	GTRACE_EDAMAGED = -5003,  // nothing of it could be read
};

/* ── settings ────────────────────────────────────────────────────────────────────────────────── */

/** One key of a `key=value,key='quoted, value'` variable such as GTRACE or GOR_DEBUG. */
struct gtrace_setting {
	const char *key;
	const char *type; // "bool", "int", "size" (64M), "duration" (10ms), "string", or words: "a|b|c"
	const char *fallback; // its default, as text
	const char *help;     // one line
};

/**
 * Split a variable's value and check it against a table that ends with a NULL key.
 *
 * A first item without `=` is given out under the key "" if bare is true.  Values are given out as
 * text, unquoted.  For an unknown key, or a value not of its type, warn() gets one line that names
 * the variable and the nearest key, and the item is left out.  `help=1` makes it return 1 after
 * warn() was called once for each line of the table.
 *
 * Blocks: no.  Returns: 0, or 1 if help was asked for.
 */
GTRACE_EXPORT int gtrace_settings_parse(const char *variable, const char *value,
                                        const struct gtrace_setting *table, bool bare,
                                        void (*item)(void *arg, const char *key, const char *value),
                                        void (*warn)(void *arg, const char *line), void *arg);

/** "10ms", "1.5s", "100us", "2m", "1h", plain number = ns.  Returns: 0, or -EINVAL. */
GTRACE_EXPORT int gtrace_parse_duration(const char *text, int64_t *ns);

/** "64K", "16M", "1G", plain number = bytes.  Returns: 0, or -EINVAL, or -ERANGE. */
GTRACE_EXPORT int gtrace_parse_size(const char *text, uint64_t *bytes);

enum gtrace_level { GTRACE_LEVEL_SCHED, GTRACE_LEVEL_SYNC, GTRACE_LEVEL_ALL };

/** What the GTRACE variable can say.  Zero is not the default: start from gtrace_options_init(). */
struct gtrace_options {
	char path[4096];         // may hold %p %e %t %%
	enum gtrace_level level; // sync
	unsigned stack_frames;   // 16
	uint64_t ring_bytes;     // flight recorder: keep so much; 0: keep all
	bool drop;               // overflow=drop; else block
	int zstd_level;          // 1
	uint64_t buffer_bytes;   // a thread's share of the buffer, 256 KiB
	uint64_t rotate_bytes;   // go on in a new file when this one has so many; 0: one file
	unsigned keep;           // files of a recording that rotates, the newest included: 8
};

GTRACE_EXPORT void gtrace_options_init(struct gtrace_options *opt);

/**
 * Read the text of the GTRACE variable into opt; "1" alone picks the file %e.%p.gtrace.
 *
 * Returns: 0, or 1 if it asked for help (warn() got it; record nothing), or -EINVAL if there is no
 * file to write (warn() was told).
 */
GTRACE_EXPORT int gtrace_options_parse(struct gtrace_options *opt, const char *value,
                                       void (*warn)(void *arg, const char *line), void *arg);

/* ── writer ──────────────────────────────────────────────────────────────────────────────────── */

struct gtrace_rec;

/** The kinds whose arguments are written as differences, each from the last of its kind. */
enum gtrace_delta {
	GTRACE_DELTA_G,
	GTRACE_DELTA_OBJ,
	GTRACE_DELTA_SITE,
	GTRACE_DELTA_PC,
	GTRACE_DELTA_COUNT
};

/**
 * One writing thread's place in a recording.  Only its thread touches it, inside the functions and
 * macros below; `g` alone is the caller's to set.
 */
struct gtrace_stream {
	uint8_t *pos;    // next free byte of the batch
	uint8_t *limit;  // an event may be written here below this; base: none, since the clock is slow
	uint8_t *base;   // first byte of the batch
	uint64_t ticks;  // time of the last event
	uint64_t g;      // the context, 0 none; the caller keeps it right
	uint64_t number; // of the stream, from 1
	uint64_t last[GTRACE_DELTA_COUNT]; // of each kind the last argument in this batch, or 0
	uint64_t *site_seen;               // bit set of near sites defined in this batch's generation
	struct gtrace_rec *rec;
};

/**
 * Start a recording: creates the file (never overwrites: path, path.1, path.2 ...) and its sidecar
 * (the same name and `.live`), and starts the writer thread, with all signals blocked in it.
 *
 * `info` holds further `key=value\n` lines for the file's header (maxprocs=2 ...), or is NULL.
 * `notify` is called from the writer thread, or from a stalling one, with one line when recording
 * has to end (disk full); the program goes on.  So it is when a dump could not be written, or was
 * without anybody waiting for it.  It may be NULL.
 *
 * Blocks:  for the creation of two files.
 * Returns: 0 and *out, or a negative errno with *err filled.
 */
GTRACE_EXPORT int gtrace_rec_open(struct gtrace_rec **out, const struct gtrace_options *opt,
                                  const char *info, void (*notify)(const char *line),
                                  struct gtrace_error *err);

/** The file being written, as created.  Lives as long as rec. */
GTRACE_EXPORT const char *gtrace_rec_path(const struct gtrace_rec *rec);

/** Does the thread with that stream wait for the writer, or for a dump?  Any thread may ask. */
GTRACE_EXPORT bool gtrace_rec_stalls(struct gtrace_rec *rec, uint64_t stream);

/** The frames of a stack asked for, 0: no stacks; and the level. */
GTRACE_EXPORT unsigned gtrace_rec_stack_frames(const struct gtrace_rec *rec);
GTRACE_EXPORT enum gtrace_level gtrace_rec_level(const struct gtrace_rec *rec);

/** From here on all is recorded: the trace begins in the middle, now, with a list of goroutines.
 * Blocks: until that is written.  Returns: 0, or -ECANCELED: the recording has ended. */
GTRACE_EXPORT int gtrace_rec_begin(struct gtrace_rec *rec);

/**
 * End a recording: everything published in any stream by now, and by the end of the last list of
 * goroutines, is written, then the end record, and the sidecar is removed.  Streams stay valid
 * memory; what other threads still emit afterwards is dropped. Called twice, or while another call
 * is at it, it waits for the first.
 *
 * Blocks:  until the file is complete.
 * Returns: 0, or the negative errno that stopped the recording before.
 */
GTRACE_EXPORT int gtrace_rec_close(struct gtrace_rec *rec, enum gtrace_end end, int code);

/**
 * From a signal handler: have the writer thread close the recording with GTRACE_END_SIGNAL, then
 * set the signal's default action and raise it again.  Async-signal-safe; returns at once.
 */
GTRACE_EXPORT void gtrace_rec_signal(struct gtrace_rec *rec, int signo);

/**
 * From the handler of a fault (SIGSEGV, SIGABRT ...): have the writer thread close the recording
 * with GTRACE_END_SIGNAL, and wait for that.  The signal's default action is left to the caller.
 * Takes no lock and no memory: whatever the thread was at, and holds, when it was interrupted.
 *
 * Blocks:  until the file is complete, at most wait_ns.
 * Returns: true  the file is complete
 *          false the writer thread could not finish in time, or is the caller, or is not there (a
 *                forked child); the sidecar stays, says which signal it was, and loses nothing
 */
GTRACE_EXPORT bool gtrace_rec_fault(struct gtrace_rec *rec, int signo, int64_t wait_ns);

/* A recording that rotates: options.rotate_bytes is not 0.  When the file has grown so large it is
 * renamed, FILE.gtrace -> FILE.000001.gtrace, FILE.000002.gtrace ..., and the recording goes on in
 * a new FILE.gtrace; the oldest beyond options.keep is deleted.  Each file is a trace of its own.
 */

#define GTRACE_ROTATE_BYTES_MIN (256u << 10)
#define GTRACE_KEEP_MAX 10000

/* A flight recorder: options.ring_bytes is not 0.  The file holds the header alone, the last
 * ring_bytes of events are in the sidecar, and closing writes them to the file. */
#define GTRACE_RING_BYTES_MIN (512u << 10)
#define GTRACE_RING_BYTES_MAX (768u << 20)

/**
 * Write what a flight recorder holds to a new file: FILE.gtrace -> FILE.0001.gtrace,
 * FILE.0002.gtrace ...; it goes on meanwhile.  `end` says why for a program: GTRACE_END_DUMP, or
 * GTRACE_END_DEADLOCK if that is what it shows; `reason` for a person, one line.  The file's name
 * is copied to path, which may be NULL.
 *
 * Blocks:  until the file is complete.
 * Returns: 0; -EINVAL: no flight recorder; -ECANCELED: closed, or a forked child's; -EDEADLK:
 * called by the writer thread itself; or a negative errno: nothing was written, notify was told.
 */
GTRACE_EXPORT int gtrace_rec_dump(struct gtrace_rec *rec, enum gtrace_end end, const char *reason,
                                  char *path, size_t path_bytes);

/**
 * Have the writer thread dump, with GTRACE_END_DUMP; notify is told the file's name.  reason lives
 * for ever; of several that come before the dump the last counts.  Async-signal-safe; returns at
 * once.
 */
GTRACE_EXPORT void gtrace_rec_dump_async(struct gtrace_rec *rec, const char *reason);

/** What a list of all goroutines is written with. */
struct gtrace_keyframe {
	struct gtrace_stream *stream;
	uint64_t ticks;     // the time of all its rows, now past
	uint64_t bytes_max; // a longer one would push too much else out; UINT64_MAX: none would
	unsigned why;       // GTRACE_snap_PERIODIC or _REQUEST; _END before the end of the recording
};

/**
 * Where the list of all goroutines comes from: `list` writes SNAP_BEGIN, GO_STATUS ... and
 * SNAP_END. It is called by the writer thread: before the end by gtrace_rec_signal(); at the
 * beginning of each file but the first, if they rotate; after 1, 3, 7, 15 ... seconds; of a flight
 * recorder at each dump and before any end, and each time half of the ring was written anew, so
 * that one is in the ring at any time.  It returns 0, or -EFBIG and has written nothing.  NULL: no
 * more; a call that goes on is waited for.
 */
GTRACE_EXPORT void gtrace_rec_set_keyframe(struct gtrace_rec *rec,
                                           int (*list)(void *arg,
                                                       const struct gtrace_keyframe *keyframe),
                                           void *arg);

/**
 * By a list that takes long, every millisecond or so: write what other threads have filled, who
 * would wait for it.  Does nothing where nobody does: for a flight recorder, and files that rotate.
 */
GTRACE_EXPORT void gtrace_keyframe_drain(const struct gtrace_keyframe *keyframe);

/**
 * Ask the flight recorder of another process for a dump, by its sidecar, which has to be writable.
 * The file's name, as that process sees it, is copied to path.
 *
 * Blocks:  until the dump is complete, or the time is over.
 * Returns: 0; -ENOTSUP: not a flight recorder's; -ETIMEDOUT; -ESRCH: process pid has ended
 *          meanwhile; -ECANCELED: the recording has; or a negative errno, which may be why the dump
 *          could not be written.
 */
GTRACE_EXPORT int gtrace_dump_request(const char *sidecar, int64_t pid, int64_t timeout_ns,
                                      char *path, size_t path_bytes);

/**
 * Release a closed recording's memory.  No stream of it may be used any more.  NULL is fine.
 *
 * After fork() the parent's recordings go on in the parent alone.  In the child their streams take
 * what is emitted and drop it, gtrace_stream_new() returns NULL, and the other calls do nothing and
 * return 0 or false.  The child may open a recording of its own: if it asks for the same path its
 * file is path.PID, unless the path has %p.  That holds for fork(); clone() and _Fork() run no
 * handlers: call exec or _exit there, and emit nothing.
 */
GTRACE_EXPORT void gtrace_rec_free(struct gtrace_rec *rec);

/** Is it open, or has a thread a stream of it that was not ended?  Then it may not be released. */
GTRACE_EXPORT bool gtrace_rec_used(struct gtrace_rec *rec);

/**
 * A stream for the calling thread, which emits its THREAD_START.  kind is a GTRACE_thread_kind_*.
 *
 * Blocks:  until the writer thread has emptied a buffer, if all are in use and there is no room for
 *          one more.
 * Returns: the stream, owned by rec; NULL if the recording has ended, as it does, with a line to
 *          notify(), if there is no memory or room: without one thread the others make no sense.
 */
GTRACE_EXPORT struct gtrace_stream *gtrace_stream_new(struct gtrace_rec *rec, unsigned kind,
                                                      uint64_t tid);

/** The same with a time of its own, which may not be before the stream's last one (it is then taken
 * as that). */
GTRACE_EXPORT void gtrace_stream_text_at(struct gtrace_stream *s, uint64_t ticks,
                                         enum gtrace_event_id id, const uint64_t *args,
                                         const char *const *strs, const size_t *lens);

/** The thread goes: emits THREAD_END and gives its buffer back.  The stream may not be used any
 * more. */
GTRACE_EXPORT void gtrace_stream_end(struct gtrace_stream *s);

/** Slow path of gtrace_site_number(): write the SITE record. */
GTRACE_EXPORT uint64_t gtrace_stream_site(struct gtrace_stream *s, const struct gtrace_site *site);

/**
 * The number of a stack in this stream, for GTRACE_STACK after the event it belongs to.  Writes its
 * STACK_DEF first if the batch's generation has not seen it.  pcs: program counters, innermost
 * first; of n the first 128 count.  Call it before the event, never between two records that belong
 * together.
 *
 * Returns: the number; 0 if n is 0, or nothing is recorded any more.
 */
GTRACE_EXPORT uint64_t gtrace_stream_stack(struct gtrace_stream *s, const uint64_t *pcs,
                                           unsigned n);

/**
 * An event with arguments of kind "bytes": those come from strs, in order, and are cut at 4,096
 * bytes.  args has a place for each argument; the places of those of kind bytes are ignored.  lens
 * may be NULL: then strs are terminated.
 */
GTRACE_EXPORT void gtrace_stream_text(struct gtrace_stream *s, enum gtrace_event_id id,
                                      const uint64_t *args, const char *const *strs,
                                      const size_t *lens);

#include <gtrace_emit.h>

/* ── reader ──────────────────────────────────────────────────────────────────────────────────── */

struct gtrace_reader;

/** One event, in an order that could have happened.  Compound records come out as their parts. */
struct gtrace_event {
	uint16_t id; // enum gtrace_event_id, or higher: unknown here, see its desc
	uint16_t nargs;
	uint64_t thread; // stream number, from 1
	uint64_t g;      // the context before the event; 0 none or unknown
	int64_t time_ns; // since the start of the trace; may step back by the skew of the clocks
	uint64_t offset; // in the file: of the chunk it came from
	uint64_t arg[GTRACE_ARGS_MAX]; // sites are numbers for gtrace_reader_site(), from 1; 0 none
	const char *bytes[GTRACE_ARGS_MAX]; // arguments of kind bytes, not terminated; valid until the
	                                    // next call
	const struct gtrace_event_desc *desc; // from this library, or from the file's own list
};

/** A call site as the trace has it.  Equal sites of all threads and generations have one number. */
struct gtrace_site_info {
	const char *file, *func, *text; // never NULL
	uint32_t line;
	uint32_t op;
};

/** What the reader knows besides the events. */
struct gtrace_info {
	const char *header;     // the header's key=value lines
	const char *end_record; // the end record's key=value lines, or ""
	enum gtrace_end end;
	int end_code;
	int64_t start_wall_ns; // Unix time of the start
	int64_t duration_ns;   // to the last event or the end record
	uint64_t file_bytes;   // trace and sidecar
	uint64_t batches;
	uint64_t events;       // handed out so far
	uint64_t raw_bytes;    // of all batches, decompressed
	uint64_t lost_batches; // missing by number, or damaged
	uint64_t lost_events;  // as far as the trace says
	uint64_t inversions;   // events that the counters put in another order than the clocks
	uint64_t broken;       // places where no order fitted and reading went on
	unsigned threads;
	int64_t begin_ns;        // the trace begins so long after the recording: a flight recorder's
	bool sidecar;            // part of it came from a left-over sidecar
	bool truncated;          // the file ends inside a chunk
	uint64_t unknown_events; // handed out, but known from the trace's own list alone
	uint64_t unknown_chunks; // of kinds that this library does not know
	unsigned format_major, format_minor; // of the trace
};

/**
 * Open a trace.  path "-" is standard input.  What is no regular file, a pipe for instance, is read
 * to its end into a temporary file without a name, in TMPDIR.  A sidecar beside it (path.live) is
 * read along, and its own name does as well.  Up to four threads, which all signals are blocked in,
 * decompress batches; memory is bounded by the goroutines alive at once.
 *
 * Blocks:  for reading the chunk headers.
 * Returns: 0 and *out; GTRACE_ENOTTRACE, GTRACE_ENEWER, GTRACE_EDAMAGED or a negative errno with
 * *err filled.
 */
GTRACE_EXPORT int gtrace_reader_open(struct gtrace_reader **out, const char *path,
                                     struct gtrace_error *err);

/**
 * The next event.  Damage does not end it: a GTRACE_GAP event stands for what is missing.
 *
 * Returns: 1 an event; 0 no more; a negative errno with *err filled if the file cannot be read any
 * more: then always that one.
 */
GTRACE_EXPORT int gtrace_reader_next(struct gtrace_reader *r, struct gtrace_event *ev,
                                     struct gtrace_error *err);

GTRACE_EXPORT const struct gtrace_info *gtrace_reader_info(const struct gtrace_reader *r);

/** The value of a key of the header; NULL if there is none.  Lives as long as r. */
GTRACE_EXPORT const char *gtrace_reader_header(const struct gtrace_reader *r, const char *key);

/** A site by its number in an event; a site of empty strings for 0 and for what the trace does not
 * define. */
GTRACE_EXPORT const struct gtrace_site_info *gtrace_reader_site(const struct gtrace_reader *r,
                                                                uint64_t site);

/**
 * The program counters of a stack number in the STACK event just handed out (the number there is
 * the reader's own, from 1), innermost first.  Returns how many; *pcs lives as long as r.
 */
GTRACE_EXPORT size_t gtrace_reader_stack(const struct gtrace_reader *r, uint64_t stack,
                                         const uint64_t **pcs);

/** One line of text for an event, without a newline; what does not fit is cut.  Returns its length.
 */
GTRACE_EXPORT size_t gtrace_event_print(const struct gtrace_reader *r,
                                        const struct gtrace_event *ev, char *buf, size_t cap);

GTRACE_EXPORT void gtrace_reader_close(struct gtrace_reader *r);

/**
 * Assemble a trace from text, as gtrace_text.h's grammar in docs/trace-format.md has it: for tests
 * and for other programs that want a trace without a runtime.
 *
 * Returns: 0, or -EINVAL with the line in *err, or a negative errno.
 */
GTRACE_EXPORT int gtrace_text_assemble(const char *text, size_t len, const char *out_path,
                                       struct gtrace_error *err);

#endif
