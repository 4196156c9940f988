/* SPDX-License-Identifier: MIT */
/**
 * pprof.c: the profile format of `go tool pprof`.
 *
 * Texts, functions and locations are numbered when they are first used.
 */
#include "pprof.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "map.h"
#include "pprof.pb-c.h"
#include "gzip.h"

struct pprof {
	Pprof__Profile *profile; // of malloc() down to its texts, so that free_unpacked() frees it
	struct map texts;        // by hash: one more than its place
	struct map functions;    // by the places of name and file
	struct map places;       // locations without an address, by function and line
	struct map addresses;    // locations with one
	bool second;             // samples have a second number
	bool no_memory;
};

static void *pprof_message(const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *message = malloc(type->sizeof_message);

	if (message)
		protobuf_c_message_init(type, message);
	return message;
}

/** Room for one more in an array of count that this alone has made: a power of two. */
static void *pprof_more(void *array, size_t count, size_t bytes)
{
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? count * 2 : 1) * bytes);
}

/* One more message in a repeated field.  Its value is that message; NULL: no memory. */
#define PPROF_ADD(p, owner, field, type) \
	__extension__({ \
		__typeof__(*(owner)->field) made_ = pprof_message(&(type)); \
		void *more_ = pprof_more((owner)->field, (owner)->n_##field, sizeof *(owner)->field); \
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

/* One more number in a repeated field. */
#define PPROF_PUT(p, owner, field, value) \
	do { \
		void *more_ = pprof_more((owner)->field, (owner)->n_##field, sizeof *(owner)->field); \
		if (more_) { \
			(owner)->field = more_; \
			(owner)->field[(owner)->n_##field++] = (value); \
		} else { \
			(p)->no_memory = true; \
		} \
	} while (0)

static void pprof_set(struct pprof *p, struct map *m, uint64_t key, uint64_t number)
{
	if (gtrace__map_set(m, key, (uint32_t)number) != 0)
		p->no_memory = true;
}

/** A text's place in the table. */
static int64_t pprof_text(struct pprof *p, const char *text)
{
	size_t len = strlen(text);
	uint64_t key = XXH3_64bits_withSeed(text, len, gtrace__hash_key());
	uint32_t known = gtrace__map_get(&p->texts, key);

	if (known)
		return (int64_t)known - 1;
	char **more = pprof_more(p->profile->text, p->profile->n_text, sizeof *more);
	char *copy = strdup(text);

	if (more)
		p->profile->text = more;
	if (!more || !copy) {
		free(copy);
		p->no_memory = true;
		return 0;
	}
	more[p->profile->n_text++] = copy;
	pprof_set(p, &p->texts, key, p->profile->n_text);
	return (int64_t)p->profile->n_text - 1;
}

static uint64_t pprof_function(struct pprof *p, const struct pprof_line *line)
{
	int64_t name = pprof_text(p, line->func), file = pprof_text(p, line->file);
	uint64_t key = (uint64_t)name << 32 | (uint64_t)file;
	uint32_t known = gtrace__map_get(&p->functions, key);

	if (known)
		return known;
	Pprof__Function *f = PPROF_ADD(p, p->profile, function, pprof__function__descriptor);

	if (!f)
		return 0;
	f->id = p->profile->n_function;
	f->name = f->system_name = name;
	f->file = file;
	pprof_set(p, &p->functions, key, f->id);
	return f->id;
}

/** The mapping of an address; the program's, if none has it. */
static uint64_t pprof_mapping_of(const struct pprof *p, uint64_t address)
{
	for (size_t i = 0; i < p->profile->n_mapping; i++) {
		const Pprof__Mapping *m = p->profile->mapping[i];
		if (address >= m->start && address < m->end)
			return m->id;
	}
	return p->profile->n_mapping ? 1 : 0;
}

static uint64_t pprof_location(struct pprof *p, uint64_t address, const struct pprof_line *line,
                               unsigned n)
{
	struct map *map = address ? &p->addresses : &p->places;
	uint64_t key = address;

	if (!address)
		key = pprof_function(p, line) << 32 | (uint32_t)line->line;
	uint32_t known = gtrace__map_get(map, key);
	if (known)
		return known;
	Pprof__Location *l = PPROF_ADD(p, p->profile, location, pprof__location__descriptor);

	if (!l)
		return 0;
	l->id = p->profile->n_location;
	l->mapping = pprof_mapping_of(p, address);
	l->address = address;
	for (unsigned i = 0; i < n; i++) {
		Pprof__Line *made = PPROF_ADD(p, l, line, pprof__line__descriptor);
		if (!made)
			return 0;
		made->function = pprof_function(p, &line[i]);
		made->line = line[i].line;
	}
	pprof_set(p, map, key, l->id);
	return l->id;
}

void pprof_mapping(struct pprof *p, const struct pprof_mapping *mapping)
{
	Pprof__Mapping *m = PPROF_ADD(p, p->profile, mapping, pprof__mapping__descriptor);

	if (!m)
		return;
	m->id = p->profile->n_mapping;
	m->start = mapping->start;
	m->end = mapping->end;
	m->offset = mapping->offset;
	m->file = pprof_text(p, mapping->file);
	m->build_id = pprof_text(p, mapping->build_id);
	// So that nobody looks for the program to find them.
	m->has_functions = m->has_files = m->has_lines = true;
}

void pprof_sample(struct pprof *p, int64_t first, int64_t second)
{
	Pprof__Sample *sample = PPROF_ADD(p, p->profile, sample, pprof__sample__descriptor);

	if (!sample)
		return;
	PPROF_PUT(p, sample, value, first);
	if (p->second)
		PPROF_PUT(p, sample, value, second);
}

static Pprof__Sample *pprof_last(const struct pprof *p)
{
	size_t n = p->profile->n_sample;

	return n && !p->no_memory ? p->profile->sample[n - 1] : NULL;
}

void pprof_frame(struct pprof *p, uint64_t address, const struct pprof_line *line, unsigned n)
{
	Pprof__Sample *sample = pprof_last(p);
	uint64_t location = sample && n ? pprof_location(p, address, line, n) : 0;

	if (location)
		PPROF_PUT(p, sample, location, location);
}

/** One more of the last sample; NULL: no memory, or there is none. */
static Pprof__Label *pprof_label_add(struct pprof *p, const char *key)
{
	Pprof__Sample *sample = pprof_last(p);
	Pprof__Label *label = sample ? PPROF_ADD(p, sample, label, pprof__label__descriptor) : NULL;

	if (label)
		label->key = pprof_text(p, key);
	return label;
}

void pprof_label(struct pprof *p, const char *key, const char *text)
{
	Pprof__Label *label = *text ? pprof_label_add(p, key) : NULL;

	if (label)
		label->text = pprof_text(p, text);
}

void pprof_number(struct pprof *p, const char *key, int64_t number)
{
	Pprof__Label *label = number ? pprof_label_add(p, key) : NULL;

	if (label)
		label->number = number;
}

static void pprof_kind(struct pprof *p, Pprof__Kind *kind, const struct pprof_kind *k)
{
	if (!kind)
		return;
	kind->type = pprof_text(p, k->type);
	kind->unit = pprof_text(p, k->unit);
}

static void pprof_begin(struct pprof *p, const struct pprof_run *run)
{
	Pprof__Profile *profile = p->profile;

	pprof_text(p, ""); // the first one has to be
	p->second = run->kind[1].type != NULL;
	for (int i = 0; i < 1 + p->second; i++)
		pprof_kind(p, PPROF_ADD(p, profile, sample_type, pprof__kind__descriptor), &run->kind[i]);
	profile->default_sample_type = pprof_text(p, run->shown);
	profile->period_type = pprof_message(&pprof__kind__descriptor);
	p->no_memory |= !profile->period_type;
	profile->period = 1;
	pprof_kind(p, profile->period_type, &run->kind[0]);
	profile->time_ns = run->time_ns;
	profile->duration_ns = run->duration_ns;
	if (run->drop_frames)
		profile->drop_frames = pprof_text(p, run->drop_frames);
	if (run->comment)
		PPROF_PUT(p, profile, comment, pprof_text(p, run->comment));
}

struct pprof *pprof_new(const struct pprof_run *run)
{
	struct pprof *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->profile = pprof_message(&pprof__profile__descriptor);
	if (!p->profile) {
		free(p);
		return NULL;
	}
	pprof_begin(p, run);
	return p;
}

void pprof_free(struct pprof *p)
{
	if (!p)
		return;
	pprof__profile__free_unpacked(p->profile, NULL);
	gtrace__map_release(&p->texts);
	gtrace__map_release(&p->functions);
	gtrace__map_release(&p->places);
	gtrace__map_release(&p->addresses);
	free(p);
}

int pprof_finish(const struct pprof *p, FILE *out)
{
	if (p->no_memory)
		return -ENOMEM;
	size_t len = pprof__profile__get_packed_size(p->profile);
	uint8_t *bytes = malloc(len ? len : 1);
	int err = -ENOMEM;

	if (bytes)
		err = gzip_write(out, bytes, pprof__profile__pack(p->profile, bytes));
	free(bytes);
	return err;
}
