/* SPDX-License-Identifier: MIT */
/*
 * profile_decode.c: reading a profile without the library that wrote it: the published numbers of
 * fields, and what the format asks of every reader's input.
 */
#define _GNU_SOURCE
#include "profile_decode.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "check.h"

char *written(const char *name, int debug, size_t *len)
{
	int fd = memfd_create("profile", MFD_CLOEXEC);
	struct stat st;

	REQUIRE(fd >= 0);
	REQUIRE_EQ(gor_profile_write(name, fd, debug), 0);
	REQUIRE_EQ(fstat(fd, &st), 0);
	char *text = malloc((size_t)st.st_size + 1);
	REQUIRE(text && pread(fd, text, (size_t)st.st_size, 0) == st.st_size);
	text[st.st_size] = 0;
	close(fd);
	if (len)
		*len = (size_t)st.st_size;
	return text;
}

struct span {
	const unsigned char *at, *end;
};

/* A field of a message: its number, and its value or its bytes. */
struct field {
	unsigned number, wire;
	uint64_t value;
	struct span bytes;
};

static uint64_t varint(struct span *s)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		REQUIRE(s->at < s->end);
		unsigned char byte = *s->at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	REQUIRE(!"a number has ten bytes at most");
	return 0;
}

static bool next(struct span *s, struct field *f)
{
	if (s->at == s->end)
		return false;
	uint64_t tag = varint(s);
	*f = (struct field){.number = (unsigned)(tag >> 3), .wire = tag & 7};
	REQUIRE(f->wire == 0 || f->wire == 2);
	f->value = varint(s);
	if (f->wire == 2) {
		REQUIRE(f->value <= (size_t)(s->end - s->at));
		f->bytes = (struct span){s->at, s->at + f->value};
		s->at += f->value;
	}
	return true;
}

/* The number of a field of a message; 0 if it is not there. */
static uint64_t number_of(struct span message, unsigned number)
{
	uint64_t value = 0;

	for (struct field f; next(&message, &f);)
		if (f.number == number)
			value = f.value;
	return value;
}

/* The nth message with that number. */
static struct span message_of(struct span profile, unsigned number, uint64_t n)
{
	for (struct field f; next(&profile, &f);)
		if (f.number == number && n-- == 0)
			return f.bytes;
	REQUIRE(!"a number leads nowhere");
	return profile;
}

/* The message with that number whose own first field is id. */
static struct span message_with(struct span profile, unsigned number, uint64_t id)
{
	for (struct field f; next(&profile, &f);)
		if (f.number == number && number_of(f.bytes, 1) == id)
			return f.bytes;
	REQUIRE(!"an id leads nowhere");
	return profile;
}

static void text_of(struct span profile, uint64_t n, char *text, size_t room)
{
	struct span s = message_of(profile, 6, n);
	size_t len = (size_t)(s.end - s.at);

	REQUIRE(len < room);
	memcpy(text, s.at, len);
	text[len] = 0;
}

static void append(char *text, size_t room, const char *more)
{
	size_t len = strlen(text);

	REQUIRE(len + strlen(more) < room);
	strcpy(text + len, more);
}

static void decode_location(struct span profile, uint64_t id, char *stack, size_t room)
{
	struct span location = message_with(profile, 4, id);
	char func[256], file[256], place[600];

	message_with(profile, 3, number_of(location, 2)); // it has a mapping
	for (struct field f; next(&location, &f);) {
		if (f.number != 4)
			continue;
		struct span function = message_with(profile, 5, number_of(f.bytes, 1));
		text_of(profile, number_of(function, 2), func, sizeof func);
		text_of(profile, number_of(function, 4), file, sizeof file);
		const char *slash = strrchr(file, '/');
		snprintf(place, sizeof place, "%s%s at %s:%d", stack[0] ? ";" : "", func,
		         slash ? slash + 1 : file, (int)number_of(f.bytes, 2));
		append(stack, room, place);
	}
}

static void decode_sample(struct span profile, struct span message, struct decoded_sample *s)
{
	char key[64], text[256], label[400];

	for (struct field f; next(&message, &f);) {
		if (f.number == 1)
			while (f.bytes.at < f.bytes.end)
				decode_location(profile, varint(&f.bytes), s->stack, sizeof s->stack);
		for (; f.number == 2 && f.bytes.at < f.bytes.end; s->values++) {
			REQUIRE(s->values < 2);
			s->value[s->values] = (int64_t)varint(&f.bytes);
		}
		if (f.number == 3) {
			text_of(profile, number_of(f.bytes, 1), key, sizeof key);
			text_of(profile, number_of(f.bytes, 2), text, sizeof text);
			snprintf(label, sizeof label, "%s=%s;", key, text);
			append(s->labels, sizeof s->labels, label);
		}
	}
}

static void decode(struct decoded *d, struct span profile)
{
	char text[64];
	int kinds = 0;

	text_of(profile, 0, text, sizeof text);
	REQUIRE(!text[0]);
	d->time_ns = (int64_t)number_of(profile, 9);
	d->period = (int64_t)number_of(profile, 12);
	text_of(profile, number_of(profile, 14), d->shown, sizeof d->shown);
	text_of(profile, number_of(message_of(profile, 3, 0), 5), d->program, sizeof d->program);
	struct span all = profile;
	for (struct field f; next(&all, &f);) {
		if (f.number == 1) {
			REQUIRE(kinds < 2);
			for (unsigned i = 0; i < 2; i++)
				text_of(profile, number_of(f.bytes, i + 1), d->kind[kinds][i], 32);
			kinds++;
		} else if (f.number == 2) {
			REQUIRE(d->samples < DECODED_MAX);
			decode_sample(profile, f.bytes, &d->sample[d->samples]);
			REQUIRE_EQ(d->sample[d->samples++].values, kinds);
		}
	}
}

void profile_decode(struct decoded *d, const unsigned char *bytes, size_t len)
{
	static unsigned char plain[1 << 20];
	z_stream z = {.next_in = (unsigned char *)bytes,
	              .avail_in = (unsigned)len,
	              .next_out = plain,
	              .avail_out = sizeof plain};

	memset(d, 0, sizeof *d);
	REQUIRE_EQ(inflateInit2(&z, 16 + MAX_WBITS), Z_OK); // gzip, and nothing else
	REQUIRE_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
	REQUIRE_EQ(z.avail_in, 0);
	inflateEnd(&z);
	decode(d, (struct span){plain, z.next_out});
}

const struct decoded_sample *decoded_find(const struct decoded *d, const char *stack,
                                          const char *label)
{
	for (int i = 0; i < d->samples; i++)
		if (strncmp(d->sample[i].stack, stack, strlen(stack)) == 0 &&
		    strstr(d->sample[i].labels, label))
			return &d->sample[i];
	return NULL;
}
