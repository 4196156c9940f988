/* SPDX-License-Identifier: MIT */
/**
 * delta.c: what has changed between two profiles.
 *
 * Their numbers of functions, places and texts have nothing to do with each other.  So those of the
 * earlier one are put behind the later one's, and its samples are told to be the same by what is in
 * them: addresses, functions and labels, as a text.
 */
#include "delta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gzip.h"
#include "pprof.pb-c.h"

enum { GUNZIP_BYTES = 64 << 10 };

/** Unpack gzip's form.  The caller frees it.  NULL: that is not it, or there is no memory. */
static uint8_t *delta_gunzip(struct pprof_bytes in, size_t *len)
{
	z_stream z = {.next_in = (Bytef *)(uintptr_t)in.bytes, .avail_in = (uInt)in.len};
	size_t room = GUNZIP_BYTES;
	uint8_t *bytes = malloc(room);
	int got = inflateInit2(&z, 16 + MAX_WBITS);

	*len = 0;
	while (bytes && got == Z_OK) {
		if (*len == room) {
			uint8_t *more = realloc(bytes, room *= 2);
			if (!more)
				break;
			bytes = more;
		}
		z.next_out = bytes + *len;
		z.avail_out = (uInt)(room - *len);
		got = inflate(&z, Z_NO_FLUSH);
		*len = room - z.avail_out;
	}
	inflateEnd(&z);
	if (got == Z_STREAM_END)
		return bytes;
	free(bytes);
	return NULL;
}

static Pprof__Profile *delta_read(struct pprof_bytes in)
{
	size_t len;
	uint8_t *bytes = delta_gunzip(in, &len);
	Pprof__Profile *p = bytes ? pprof__profile__unpack(NULL, len, bytes) : NULL;

	free(bytes);
	return p;
}

/** A sample, and what is in it as a text. */
struct entry {
	char *key; // NULL: no memory
	Pprof__Sample *sample;
};

static const char *delta_text(const Pprof__Profile *p, int64_t i)
{
	return i >= 0 && (size_t)i < p->n_text ? p->text[i] : "";
}

/** Ids are places and 1, as pprof.c gives them out. */
static char *delta_key(const Pprof__Profile *p, const Pprof__Sample *s)
{
	char *key = NULL;
	size_t len;
	FILE *out = open_memstream(&key, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < s->n_location; i++) {
		const Pprof__Location *l =
			s->location[i] - 1 < p->n_location ? p->location[s->location[i] - 1] : NULL;
		fprintf(out, "%" PRIx64, l ? l->address : 0);
		for (size_t j = 0; l && j < l->n_line; j++)
			if (l->line[j]->function - 1 < p->n_function)
				fprintf(out, " %s:%" PRId64,
				        delta_text(p, p->function[l->line[j]->function - 1]->name),
				        l->line[j]->line);
		fputc('\n', out);
	}
	for (size_t i = 0; i < s->n_label; i++)
		fprintf(out, "%s=%s\n", delta_text(p, s->label[i]->key), delta_text(p, s->label[i]->text));
	if (fclose(out) == 0)
		return key;
	free(key);
	return NULL;
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->key && y->key ? strcmp(x->key, y->key) : (x->key != NULL) - (y->key != NULL);
}

static struct entry *delta_entries(const Pprof__Profile *p)
{
	struct entry *list = calloc(p->n_sample + 1, sizeof *list);

	for (size_t i = 0; list && i < p->n_sample; i++)
		list[i] = (struct entry){delta_key(p, p->sample[i]), p->sample[i]};
	if (list)
		qsort(list, p->n_sample, sizeof *list, entry_compare);
	return list;
}

static void delta_entries_free(struct entry *list, size_t count)
{
	for (size_t i = 0; list && i < count; i++)
		free(list[i].key);
	free(list);
}

static void delta_less(Pprof__Sample *from, const Pprof__Sample *what)
{
	for (size_t i = 0; i < from->n_value; i++)
		from->value[i] -= what && i < what->n_value ? what->value[i] : 0;
}

/** Take the earlier samples from the later ones; what is only in the earlier is then below 0. */
static void delta_match(const struct entry *a, size_t a_count, const struct entry *b,
                        size_t b_count)
{
	for (size_t i = 0, j = 0; i < a_count; i++) {
		while (j < b_count && entry_compare(&b[j], &a[i]) < 0)
			j++;
		if (j < b_count && a[i].key && entry_compare(&b[j], &a[i]) == 0) {
			delta_less(b[j].sample, a[i].sample);
			memset(a[i].sample->value, 0, a[i].sample->n_value * sizeof *a[i].sample->value);
		} else {
			for (size_t v = 0; v < a[i].sample->n_value; v++)
				a[i].sample->value[v] = -a[i].sample->value[v];
		}
	}
}

/** The earlier profile's numbers, as they are behind the later one's. */
static void delta_renumber(Pprof__Profile *a, const Pprof__Profile *b)
{
	int64_t text = (int64_t)b->n_text;

	for (size_t i = 0; i < a->n_function; i++) {
		a->function[i]->id += b->n_function;
		a->function[i]->name += text;
		a->function[i]->system_name += text;
		a->function[i]->file += text;
	}
	for (size_t i = 0; i < a->n_location; i++) {
		a->location[i]->id += b->n_location;
		for (size_t j = 0; j < a->location[i]->n_line; j++)
			a->location[i]->line[j]->function += b->n_function;
	}
	for (size_t i = 0; i < a->n_sample; i++) {
		for (size_t j = 0; j < a->sample[i]->n_location; j++)
			a->sample[i]->location[j] += b->n_location;
		for (size_t j = 0; j < a->sample[i]->n_label; j++) {
			a->sample[i]->label[j]->key += text;
			a->sample[i]->label[j]->text += text;
		}
	}
}

static void **delta_both(void *b, size_t b_count, void *a, size_t a_count)
{
	void **both = malloc((a_count + b_count + 1) * sizeof *both);

	if (both && b_count)
		memcpy(both, b, b_count * sizeof *both);
	if (both && a_count)
		memcpy(both + b_count, a, a_count * sizeof *both);
	return both;
}

static size_t delta_drop_zeros(Pprof__Sample **list, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		bool some = false;
		for (size_t v = 0; v < list[i]->n_value; v++)
			some |= list[i]->value[v] != 0;
		if (some)
			list[kept++] = list[i];
	}
	return kept;
}

static int delta_write(const Pprof__Profile *p, FILE *out)
{
	size_t len = pprof__profile__get_packed_size(p);
	uint8_t *bytes = malloc(len + 1);

	if (!bytes)
		return -ENOMEM;
	pprof__profile__pack(p, bytes);
	int err = gzip_write(out, bytes, len);
	free(bytes);
	return err;
}

/** Both in one, which borrows what is in them. */
static int delta_join(const Pprof__Profile *a, const Pprof__Profile *b, int64_t duration_ns,
                      FILE *out)
{
	Pprof__Profile p = *b;

	p.duration_ns = duration_ns;
	p.time_ns = a->time_ns;
	p.text = (char **)delta_both(b->text, b->n_text, a->text, a->n_text);
	p.function =
		(Pprof__Function **)delta_both(b->function, b->n_function, a->function, a->n_function);
	p.location =
		(Pprof__Location **)delta_both(b->location, b->n_location, a->location, a->n_location);
	p.sample = (Pprof__Sample **)delta_both(b->sample, b->n_sample, a->sample, a->n_sample);
	p.n_text += a->n_text;
	p.n_function += a->n_function;
	p.n_location += a->n_location;
	int err = -ENOMEM;
	if (p.text && p.function && p.location && p.sample) {
		p.n_sample = delta_drop_zeros(p.sample, a->n_sample + b->n_sample);
		err = delta_write(&p, out);
	}
	free(p.text);
	free(p.function);
	free(p.location);
	free(p.sample);
	return err;
}

int pprof_delta(struct pprof_bytes earlier, struct pprof_bytes later, int64_t duration_ns,
                FILE *out)
{
	Pprof__Profile *a = delta_read(earlier), *b = delta_read(later);
	struct entry *as = a ? delta_entries(a) : NULL, *bs = b ? delta_entries(b) : NULL;
	int err = !a || !b ? -EBADMSG : !as || !bs ? -ENOMEM : 0;

	if (!err) {
		delta_match(as, a->n_sample, bs, b->n_sample);
		delta_renumber(a, b);
		err = delta_join(a, b, duration_ns, out);
	}
	delta_entries_free(as, a ? a->n_sample : 0);
	delta_entries_free(bs, b ? b->n_sample : 0);
	pprof__profile__free_unpacked(a, NULL);
	pprof__profile__free_unpacked(b, NULL);
	return err;
}
