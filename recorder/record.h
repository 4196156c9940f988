/* SPDX-License-Identifier: MIT */
/** record.h: the shape of records: an id, a varint of time, and the arguments that events.def
 * lists. */
#ifndef GTRACE_RECORD_H
#define GTRACE_RECORD_H

#include <gtrace.h>

#define GTRACE__ID_MAX 199      // in a file; those above are the reader's own
#define GTRACE__ROW_ARGS_MAX 16 // of an event that only the trace's own list knows

/** Where a packed batch has a number of a record, pack.c. */
enum gtrace__column {
	GTRACE__COLUMN_ID,
	GTRACE__COLUMN_TICKS,
	GTRACE__COLUMN_G,
	GTRACE__COLUMN_OBJ,
	GTRACE__COLUMN_SITE,
	GTRACE__COLUMN_PC,
	GTRACE__COLUMN_SEQ,
	GTRACE__COLUMN_OTHER, // of any other kind
	GTRACE__COLUMN_TEXT,  // the bytes of kind bytes
	GTRACE__COLUMN_REST,  // of numbers, what is behind the first byte
	GTRACE__COLUMN_COUNT
};

/** What must be known of an event to step over it. */
struct gtrace__shape {
	uint8_t known;
	uint8_t nargs;
	uint8_t handed; // arguments that a reader hands out; those that records lack are 0 or empty
	uint8_t quick;  // no texts, and no more arguments than handed out
	uint8_t novel;  // known from the trace's own list alone
	uint16_t bytes; // bit i: argument i is of kind bytes
	uint16_t sites; // bit i: argument i is of kind site
	uint8_t delta[GTRACE__ROW_ARGS_MAX];  // of argument i its enum gtrace_delta + 1; 0: none
	uint8_t column[GTRACE__ROW_ARGS_MAX]; // of argument i its enum gtrace__column
};

/** Note that argument i is of that kind. */
void gtrace__shape_arg(struct gtrace__shape *shape, unsigned i, const char *kind);

/** Of the last arguments in a batch, that of argument i's kind; NULL: it is written as it is. */
static inline uint64_t *gtrace__last_of(uint64_t last[GTRACE_DELTA_COUNT],
                                        const struct gtrace__shape *shape, unsigned i)
{
	return shape->delta[i] ? &last[shape->delta[i] - 1] : NULL;
}

/** Write v as its difference from the last one, which it becomes. */
static inline uint8_t *gtrace__put_delta(uint8_t *p, uint64_t *last, uint64_t v)
{
	uint64_t delta = v - *last;

	*last = v;
	return gtrace_put(p, gtrace_zigzag((int64_t)delta));
}

/** 256 of them, by id. */
const struct gtrace__shape *gtrace__shapes(void);

/** The place of a word in a list of gtrace_names.def, or -1. */
int64_t gtrace__name_number(const char *list, const char *text, size_t len);

/** The words of enum gtrace_end, as end records have them. */
extern const char *const gtrace__ends[GTRACE_END_ROTATED + 1];

/** True if there is such a list. */
bool gtrace__name_list(const char *list);

/** Read one varint below end.  Returns the byte after it, or NULL if it is cut or too long. */
static inline const uint8_t *gtrace__varint(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	if (__builtin_expect(p < end && *p < 0x80, 1)) {
		*v = *p;
		return p + 1;
	}
	uint64_t x = 0;

	for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
		uint8_t b = *p++;

		x |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			*v = x;
			return shift == 63 && b > 1 ? NULL : p;
		}
	}
	return NULL;
}

static inline int64_t gtrace__unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/** What gtrace__skim() found. */
struct gtrace__span {
	uint64_t events;
	uint64_t last_ticks;
	size_t bytes; // of whole records up to `until`
};

/** Step over the records of a batch that are whole and not later than `until`. */
struct gtrace__span gtrace__skim(const struct gtrace__shape *shapes, const uint8_t *base,
                                 size_t len, uint64_t first_ticks, uint64_t until);

/** Fill err, if there is one, and return code. */
int gtrace__error(struct gtrace_error *err, int code, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
