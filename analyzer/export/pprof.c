/* SPDX-License-Identifier: MIT */
/**
 * pprof.c: stacks -> the profile format of `go tool pprof`.
 *
 * Texts, functions and locations are numbered when they are first used.  One text that is no valid
 * UTF-8 makes readers refuse the whole profile: clean_text() sees to it, in a database of somebody
 * else's too.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gtrace.h>
#include <xxhash.h>

#include "array.h"
#include "db.h"
#include "export/export.h"
#include "export/gzip.h"
#include "export/stack.h"
#include "load/clean.h"
#include "export/pprof.pb-c.h"
#include "map.h"
#include "plain.h"

enum { MAPPING = 1 }; // the only one: the program

/** What number a thing got. */
struct pprof_number {
	struct map_head head; // a text: its hash; a function: name, file; a location: function, line
	uint64_t number;
};

struct pprof {
	Pprof__Profile *profile; // of malloc() down to its texts, so that free_unpacked() frees it
	const struct stack_profile *kind;
	struct map texts, functions, locations;
	struct stack_reader stacks;
	uint64_t nowhere;
	bool no_memory;
};

static void *pprof_message(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = malloc(type->sizeof_message);

	if (message)
		protobuf_c_message_init(type, message);
	return message;
}

/* One more message in a repeated field.  Its value is that message; NULL: no memory. */
#define PPROF_ADD(p, owner, field, type) \
	__extension__({ \
		__typeof__(*(owner)->field) made_ = pprof_message(&(type)); \
		void *more_ = array_more((owner)->field, (owner)->n_##field, sizeof *(owner)->field); \
		if (more_) \
			(owner)->field = more_; \
		if (more_ && made_) { \
			(owner)->field[(owner)->n_##field++] = made_; \
		} else { \
			free(made_); \
			made_ = NULL; \
			(p)->no_memory = true; \
		} \
		made_; \
	})

/* The number's place in the map; *number is 0 if it is new. */
static uint64_t *pprof_find(struct pprof *p, struct map *m, uint64_t a, uint64_t b)
{
	struct pprof_number *entry = map_put(m, a, b);

	if (entry)
		return &entry->number;
	p->no_memory = true;
	p->nowhere = 1; // taken to be known
	return &p->nowhere;
}

/* A text's place in the table. */
static int64_t pprof_text(struct pprof *p, const char *text)
{
	char clean[CLEAN_MAX], shown[4 * CLEAN_MAX];

	clean_text(clean, text, strlen(text));
	size_t len = plain_copy(shown, sizeof shown, clean); // pprof prints it as it is
	XXH128_hash_t hash = XXH3_128bits(shown, len);
	uint64_t *number = pprof_find(p, &p->texts, hash.low64, hash.high64);

	if (*number)
		return (int64_t)*number - 1;
	char **more = array_more(p->profile->text, p->profile->n_text, sizeof *more);
	char *copy = strdup(shown);

	if (more)
		p->profile->text = more;
	if (!more || !copy) {
		free(copy);
		p->no_memory = true;
		return 0;
	}
	more[p->profile->n_text++] = copy;
	*number = p->profile->n_text; // one more than its place
	return (int64_t)*number - 1;
}

static uint64_t pprof_function(struct pprof *p, const char *name, const char *file)
{
	int64_t name_text = pprof_text(p, name), file_text = pprof_text(p, file);
	uint64_t *number = pprof_find(p, &p->functions, (uint64_t)name_text, (uint64_t)file_text);

	if (*number)
		return *number;
	Pprof__Function *f = PPROF_ADD(p, p->profile, function, pprof__function__descriptor);

	if (!f)
		return 0;
	f->id = *number = p->profile->n_function;
	f->name = f->system_name = name_text;
	f->file = file_text;
	return f->id;
}

static uint64_t pprof_location(struct pprof *p, const struct stack_frame *frame)
{
	uint64_t function = pprof_function(p, frame->func, frame->file);
	uint64_t *number = pprof_find(p, &p->locations, function, (uint64_t)frame->line);

	if (*number)
		return *number;
	Pprof__Location *l = PPROF_ADD(p, p->profile, location, pprof__location__descriptor);
	Pprof__Line *line = l ? PPROF_ADD(p, l, line, pprof__line__descriptor) : NULL;

	if (!line)
		return 0;
	l->id = *number = p->profile->n_location;
	l->mapping = MAPPING;
	line->function = function;
	line->line = frame->line;
	return l->id;
}

static void pprof_label(struct pprof *p, Pprof__Sample *sample, const char *key, const char *text)
{
	if (!*text)
		return;
	Pprof__Label *label = PPROF_ADD(p, sample, label, pprof__label__descriptor);

	if (label) {
		label->key = pprof_text(p, key);
		label->text = pprof_text(p, text);
	}
}

static void pprof_sample(struct pprof *p, const struct stack *s)
{
	Pprof__Sample *sample = PPROF_ADD(p, p->profile, sample, pprof__sample__descriptor);
	char born[CLEAN_MAX];

	if (!sample)
		return;
	sample->location = calloc(s->frames, sizeof *sample->location);
	sample->value = calloc(2, sizeof *sample->value);
	if (!sample->location || !sample->value) {
		p->no_memory = true;
		return;
	}
	for (size_t i = 0; i < s->frames; i++)
		sample->location[sample->n_location++] = pprof_location(p, &s->frame[i]);
	sample->value[sample->n_value++] = s->count;
	sample->value[sample->n_value++] = s->ns;
	pprof_label(p, sample, p->kind->state, s->state);
	snprintf(born, sizeof born, "%s at %s:%lld", s->born.func, s->born.file,
	         (long long)s->born.line);
	pprof_label(p, sample, "created_by", *s->born.func ? born : "");
	pprof_label(p, sample, "name", s->name);
	pprof_label(p, sample, "verdict", s->verdict);
}

static int pprof_row(void *arg, sqlite3_stmt *st)
{
	struct pprof *p = arg;
	struct stack s;

	int err = stack_read(&p->stacks, &s, st);

	if (err == SQLITE_OK)
		pprof_sample(p, &s);
	return p->no_memory ? SQLITE_NOMEM : err;
}

static void pprof_kind(struct pprof *p, Pprof__Kind *kind, const char *type, const char *unit)
{
	if (!kind)
		return;
	kind->type = pprof_text(p, type);
	kind->unit = pprof_text(p, unit);
}

/* What the row says of all of it. */
static int pprof_run(void *arg, sqlite3_stmt *st)
{
	struct pprof *p = arg;
	const char *program = db_column(st, 2);
	char comment[CLEAN_MAX];
	Pprof__Mapping *mapping = PPROF_ADD(p, p->profile, mapping, pprof__mapping__descriptor);

	p->profile->time_ns = sqlite3_column_int64(st, 0);
	p->profile->duration_ns = sqlite3_column_int64(st, 1);
	p->profile->comment = malloc(sizeof *p->profile->comment);
	if (!mapping || !p->profile->comment)
		return SQLITE_NOMEM;
	mapping->id = MAPPING;
	mapping->file = pprof_text(p, *program ? program : db_column(st, 3));
	// So that nobody looks for the program to find them.
	mapping->has_functions = mapping->has_files = mapping->has_lines = true;
	snprintf(comment, sizeof comment, "gtrace %s, GOR_MAXPROCS %lld, %s", GTRACE_VERSION,
	         (long long)sqlite3_column_int64(st, 4), db_column(st, 3));
	p->profile->comment[p->profile->n_comment++] = pprof_text(p, comment);
	return SQLITE_OK;
}

static void pprof_types(struct pprof *p)
{
	const struct stack_profile *k = p->kind;

	pprof_text(p, ""); // the first one has to be
	pprof_kind(p, PPROF_ADD(p, p->profile, sample_type, pprof__kind__descriptor), k->count,
	           k->count_unit);
	pprof_kind(p, PPROF_ADD(p, p->profile, sample_type, pprof__kind__descriptor), k->ns,
	           "nanoseconds");
	p->profile->default_sample_type = pprof_text(p, k->shown);
	p->profile->period_type = pprof_message(&pprof__kind__descriptor);
	p->profile->period = 1;
	pprof_kind(p, p->profile->period_type, k->count, k->count_unit);
	p->no_memory |= !p->profile->period_type;
}

static int pprof_write(const struct pprof *p, FILE *out)
{
	size_t len = pprof__profile__get_packed_size(p->profile);
	uint8_t *bytes = malloc(len ? len : 1);
	int err = -ENOMEM;

	if (bytes)
		err = gzip_write(out, bytes, pprof__profile__pack(p->profile, bytes));
	free(bytes);
	return err == -ENOMEM ? SQLITE_NOMEM : err < 0 ? SQLITE_FULL : SQLITE_OK;
}

int export_pprof(sqlite3 *db, FILE *out, const char *profile)
{
	struct pprof p = {
		.profile = pprof_message(&pprof__profile__descriptor),
		.kind = stack_profile(profile),
		.texts.slot_bytes = sizeof(struct pprof_number),
		.functions.slot_bytes = sizeof(struct pprof_number),
		.locations.slot_bytes = sizeof(struct pprof_number),
	};

	if (!p.profile || !p.kind) {
		free(p.profile);
		return p.kind ? SQLITE_NOMEM : SQLITE_NOTFOUND;
	}
	pprof_types(&p);
	int err = stack_open(&p.stacks, db);

	if (err == SQLITE_OK)
		err = db_each(db, "sql/export/stacks.sql", "run", pprof_run, &p);
	if (err == SQLITE_OK)
		err = db_each(db, "sql/export/stacks.sql", p.kind->name, pprof_row, &p);
	if (p.no_memory)
		err = SQLITE_NOMEM;
	if (err == SQLITE_OK)
		err = pprof_write(&p, out);
	pprof__profile__free_unpacked(p.profile, NULL);
	stack_close(&p.stacks);
	map_release(&p.texts);
	map_release(&p.functions);
	map_release(&p.locations);
	return err;
}
