/* SPDX-License-Identifier: MIT */
/** profile.c: stacks of this process in the form of `go tool pprof`. */
#include "inspect/profile.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "pprof.h"

#define BUILD_ID_MAX 32u
// Go's tools leave out what matches, and what it calls
#define DROP_FRAMES "gor__.*"

/** A text as it may stand in a profile, which pprof prints as it is. */
static const char *profile_plain(char shown[CLEAN_MAX], const char *text)
{
	clean_text(shown, text, strlen(text));
	for (char *c = shown; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return shown;
}

/** The build id in a segment of notes, in hexadecimal; "": it has none. */
static void profile_build_id(const char *notes, size_t bytes, char text[2 * BUILD_ID_MAX + 1])
{
	ElfW(Nhdr) note;

	for (size_t at = 0; at + sizeof note <= bytes;) {
		memcpy(&note, notes + at, sizeof note);
		size_t name = at + sizeof note, id = name + ((note.n_namesz + 3) & ~3u);
		if (id + note.n_descsz > bytes || id < name)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(notes + name, "GNU", 4) == 0 && note.n_descsz <= BUILD_ID_MAX) {
			for (size_t i = 0; i < note.n_descsz; i++)
				snprintf(text + 2 * i, 3, "%02x", (unsigned char)notes[id + i]);
			return;
		}
		at = id + ((note.n_descsz + 3) & ~3u);
	}
}

static int profile_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	char program[4096] = "", shown[CLEAN_MAX], id[2 * BUILD_ID_MAX + 1] = "";
	struct pprof_mapping m = {.file = info->dlpi_name, .build_id = id};

	(void)size;
	if (!m.file[0]) { // the program, which comes first; the vdso has a name
		ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
		m.file = n > 0 ? program : "program";
	}
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		if (h->p_type == PT_NOTE && !id[0])
			profile_build_id((const char *)(info->dlpi_addr + h->p_vaddr), h->p_memsz,
			                 id); // NOLINT
		if (h->p_type != PT_LOAD || !(h->p_flags & PF_X))
			continue;
		m.start = info->dlpi_addr + h->p_vaddr;
		m.end = m.start + h->p_memsz;
		m.offset = h->p_offset;
	}
	m.file = profile_plain(shown, m.file);
	if (m.end)
		pprof_mapping(arg, &m);
	return 0;
}

struct pprof *inspect_pprof_begin(const struct module_profile *profile)
{
	const struct pprof_run run = {.kind = {{profile->count, profile->count_unit},
	                                       {profile->ns, "nanoseconds"}},
	                              .shown = profile->shown,
	                              .comment = profile->comment,
	                              .drop_frames = DROP_FRAMES,
	                              .time_ns = profile->time_ns};
	struct pprof *p = pprof_new(&run);

	if (p)
		dl_iterate_phdr(profile_object, p);
	return p;
}

void inspect_pprof_sample(struct pprof *p, const struct module_sample *sample)
{
	struct pprof_line line[MODULE_INLINED_MAX];
	char func[MODULE_INLINED_MAX][CLEAN_MAX], file[MODULE_INLINED_MAX][CLEAN_MAX];
	unsigned n = 0;

	pprof_sample(p, sample->count, sample->ns);
	for (unsigned i = 0; i < sample->frames; i++) {
		const struct frame *f = &sample->frame[i];
		line[n] = (struct pprof_line){profile_plain(func[n], f->func),
		                              profile_plain(file[n], f->file), f->line};
		n++;
		if (f->inlined && f->pc && n < MODULE_INLINED_MAX && i + 1 < sample->frames &&
		    sample->frame[i + 1].pc == f->pc)
			continue; // the rest of the same call
		pprof_frame(p, f->pc, line, n);
		n = 0;
	}
	for (unsigned i = 0; i < sample->labels; i++)
		pprof_label(p, sample->label[i].key, profile_plain(func[0], sample->label[i].text));
	pprof_number(p, "goid", (int64_t)sample->goid);
}

int inspect_pprof_end(struct pprof *p, char **bytes, size_t *len)
{
	FILE *out = open_memstream(bytes, len);
	int err = out ? pprof_finish(p, out) : -ENOMEM;

	if (out && fclose(out) != 0 && err == 0)
		err = -ENOMEM;
	if (out && err) {
		free(*bytes);
		*bytes = NULL;
	}
	pprof_free(p);
	return err;
}
