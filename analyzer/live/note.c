/* SPDX-License-Identifier: MIT */
/**
 * note.c: the ELF note of a program that libgor is in (runtime/run.c).
 *
 * The file may be anybody's, and may be made to be read: what is read of it is bounded, and each
 * length in it is looked at before it is believed.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "live/live.h"

#define NOTE_OWNER "gor"
#define NOTE_VERSION 1
#define SEGMENTS_MAX 128 // a program has a dozen
#define NOTES_MAX 4096   // bytes of one segment: the rest is not read

/** Bytes that a note's name or text takes, with what fills them up. */
static size_t note_padded(uint32_t bytes)
{
	return ((size_t)bytes + 3) / 4 * 4;
}

/** Our note among others; its text goes to version. */
static bool note_among(const char *notes, size_t bytes, char *version, size_t room)
{
	ElfW(Nhdr) note;

	for (size_t at = 0; bytes - at >= sizeof note;) {
		memcpy(&note, notes + at, sizeof note);
		at += sizeof note;
		if (note_padded(note.n_namesz) > bytes - at ||
		    note.n_descsz > bytes - at - note_padded(note.n_namesz))
			return false;
		const char *name = notes + at, *text = name + note_padded(note.n_namesz);
		if (note.n_type == NOTE_VERSION && note.n_namesz == sizeof NOTE_OWNER &&
		    memcmp(name, NOTE_OWNER, sizeof NOTE_OWNER) == 0 && note.n_descsz <= room &&
		    memchr(text, 0, note.n_descsz)) {
			memcpy(version, text, note.n_descsz);
			return true;
		}
		at += note_padded(note.n_namesz);
		at += note_padded(note.n_descsz) < bytes - at ? note_padded(note.n_descsz) : bytes - at;
	}
	return false;
}

static bool note_segment(int fd, const ElfW(Phdr) * segment, char *version, size_t room)
{
	char notes[NOTES_MAX];
	size_t bytes = segment->p_filesz < sizeof notes ? segment->p_filesz : sizeof notes;
	ssize_t n = segment->p_type == PT_NOTE && segment->p_offset <= INT64_MAX
	                ? pread(fd, notes, bytes, (off_t)segment->p_offset)
	                : 0;

	return n > 0 && note_among(notes, (size_t)n, version, room);
}

int live_note(int fd, char *version, size_t room)
{
	static const unsigned char ident[] = {ELFMAG0,
	                                      ELFMAG1,
	                                      ELFMAG2,
	                                      ELFMAG3,
	                                      sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32,
	                                      BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB};
	ElfW(Ehdr) head;
	ElfW(Phdr) segment[SEGMENTS_MAX];

	if (pread(fd, &head, sizeof head, 0) != sizeof head ||
	    memcmp(head.e_ident, ident, sizeof ident) != 0 || head.e_phentsize != sizeof *segment ||
	    head.e_phnum > SEGMENTS_MAX || head.e_phoff > INT64_MAX)
		return -ENOEXEC;
	size_t bytes = head.e_phnum * sizeof *segment;
	if (pread(fd, segment, bytes, (off_t)head.e_phoff) != (ssize_t)bytes)
		return -ENOEXEC;
	for (unsigned i = 0; i < head.e_phnum; i++)
		if (note_segment(fd, &segment[i], version, room))
			return 0;
	return -ENOENT;
}
