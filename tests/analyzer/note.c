/* SPDX-License-Identifier: MIT */
/* note.c: libgor's note is found in a program's file, and nothing in a file that is none does harm.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "live/live.h"

struct note {
	ElfW(Nhdr) head;
	char name[4], text[8];
};

/* A file with a note of somebody else's before ours. */
static struct program {
	ElfW(Ehdr) head;
	ElfW(Phdr) segment[2];
	struct note other, ours;
} good;

static void make(void)
{
	memcpy(good.head.e_ident, ELFMAG, SELFMAG);
	good.head.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	good.head.e_ident[EI_DATA] =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	good.head.e_phoff = offsetof(struct program, segment);
	good.head.e_phentsize = sizeof good.segment[0];
	good.head.e_phnum = 2;
	good.segment[0].p_type = PT_LOAD;
	good.segment[1].p_type = PT_NOTE;
	good.segment[1].p_offset = offsetof(struct program, other);
	good.segment[1].p_filesz = 2 * sizeof(struct note);
	good.other = (struct note){{4, 5, NT_GNU_BUILD_ID}, "GNU", "1234"};
	good.ours = (struct note){{4, 6, 1}, "gor", "1.2.3"};
}

/* What live_note() says of so many bytes. */
static int of(const void *bytes, size_t n, char version[LIVE_VERSION_BYTES])
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	int err = live_note(fd, version, LIVE_VERSION_BYTES);
	close(fd);
	return err;
}

static void found(void **state)
{
	char version[LIVE_VERSION_BYTES];

	(void)state;
	make();
	assert_int_equal(of(&good, sizeof good, version), 0);
	assert_string_equal(version, "1.2.3");
	good.ours.text[5] = 'x'; // no end
	assert_int_equal(of(&good, sizeof good, version), -ENOENT);
	make();
	good.ours.name[0] = 'G';
	assert_int_equal(of(&good, sizeof good, version), -ENOENT);
	make();
	good.ours.head.n_descsz = UINT32_MAX;
	assert_int_equal(of(&good, sizeof good, version), -ENOENT);
	make();
	good.other.head.n_namesz = UINT32_MAX - 2;
	assert_int_equal(of(&good, sizeof good, version), -ENOENT);
	make();
	good.segment[1].p_offset = good.segment[1].p_filesz = UINT64_MAX;
	assert_int_equal(of(&good, sizeof good, version), -ENOENT);
	make();
	good.head.e_phnum = UINT16_MAX;
	assert_int_equal(of(&good, sizeof good, version), -ENOEXEC);
	assert_int_equal(of("#!/bin/sh\n", 10, version), -ENOEXEC);
	assert_int_equal(live_note(-1, version, sizeof version), -ENOEXEC);
}

static void truncated(void **state)
{
	char version[LIVE_VERSION_BYTES];

	(void)state;
	make();
	for (size_t n = 0; n < sizeof good; n++) {
		int err = of(&good, n, version);
		bool headers = n >= offsetof(struct program, other), text = n >= sizeof good - 2;
		assert_int_equal(err, text ? 0 : headers ? -ENOENT : -ENOEXEC);
	}
}

/* Of a good file some bytes are others; all that may come of it is one of three answers. */
static void random_bytes(void **state)
{
	char version[LIVE_VERSION_BYTES];

	(void)state;
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		unsigned char bytes[sizeof good];
		make();
		memcpy(bytes, &good, sizeof good);
		for (long n = 1 + random() % 8; n > 0; n--)
			bytes[(size_t)random() % sizeof bytes] = (unsigned char)(random() % 4 ? random() : 255);
		memset(version, 'x', sizeof version);
		int err = of(bytes, sizeof bytes, version);
		assert_true(err == 0 || err == -ENOENT || err == -ENOEXEC);
		if (err == 0)
			assert_non_null(memchr(version, 0, sizeof version));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(found), cmocka_unit_test(truncated),
	                                   cmocka_unit_test(random_bytes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
