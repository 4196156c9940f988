/* SPDX-License-Identifier: MIT */
/** header.c: the text of a trace's header: the run, the clock, the modules, and the list of events.
 */
#define _GNU_SOURCE
#include "writer/rec.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *gtrace__program_name(void)
{
	return program_invocation_short_name;
}

/** One line; control characters in the value become question marks. */
static void put_line(FILE *f, const char *key, const char *value)
{
	fprintf(f, "%s=", key);
	for (; *value; value++)
		putc((unsigned char)*value < ' ' ? '?' : *value, f);
	putc('\n', f);
}

static void put_command(FILE *f)
{
	char buf[4096];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		n = 0;
	buf[n] = '\0';
	put_line(f, "program", n ? buf : program_invocation_name);
	for (ssize_t i = 0; i + 1 < n; i++) {
		if (!buf[i])
			buf[i] = ' ';
	}
	put_line(f, "argv", buf);
}

/** The GNU build id among a segment's notes, as hexadecimal digits; "-" if there is none. */
static void build_id(char *out, size_t cap, const uint8_t *p, size_t len)
{
	snprintf(out, cap, "-");
	while (len >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) note;

		memcpy(&note, p, sizeof(note));
		size_t name = (note.n_namesz + 3u) & ~3u;
		size_t desc = (note.n_descsz + 3u) & ~3u;

		if (name > len || desc > len || sizeof(note) + name + desc > len)
			return;
		const uint8_t *id = p + sizeof(note) + name;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(p + sizeof(note), "GNU", 4) && 2 * (size_t)note.n_descsz < cap) {
			for (size_t i = 0; i < note.n_descsz; i++)
				snprintf(out + 2 * i, cap - 2 * i, "%02x", id[i]);
			return;
		}
		p += sizeof(note) + name + desc;
		len -= sizeof(note) + name + desc;
	}
}

static int put_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	FILE *f = arg;
	char path[4096];
	char id[129] = "-";
	uint64_t top = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type == PT_LOAD && ph->p_vaddr + ph->p_memsz > top)
			top = ph->p_vaddr + ph->p_memsz;
		if (ph->p_type == PT_NOTE && id[0] == '-')
			build_id(id, sizeof(id), (const uint8_t *)(info->dlpi_addr + ph->p_vaddr), ph->p_memsz);
	}
	snprintf(path, sizeof(path), "%s", info->dlpi_name);
	if (!*path) {
		ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

		path[n > 0 ? n : 0] = '\0';
	}
	fprintf(f, "module=0x%llx 0x%llx %s ", (unsigned long long)info->dlpi_addr,
	        (unsigned long long)top, id);
	for (const char *p = path; *p; p++)
		putc((unsigned char)*p < ' ' ? '?' : *p, f);
	putc('\n', f);
	return 0;
}

void gtrace__header_events(FILE *f)
{
	for (unsigned id = 0; id < GTRACE_GAP; id++) {
		const struct gtrace_event_desc *d = gtrace_event_desc(id);

		if (!d)
			continue;
		fprintf(f, "event=%u %s", id, d->name);
		for (int i = 0; i < d->nargs; i++)
			fprintf(f, " %s:%s", d->arg[i], d->kind[i]);
		putc('\n', f);
	}
}

/** The caller frees it.  NULL: no memory. */
static char *header_text(const struct gtrace_rec *rec)
{
	static const char *const levels[] = {"sched", "sync", "all"};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	uint64_t ps_per_tick = gtrace__clock_ps_per_tick();

	if (!f)
		return NULL;
	put_command(f);
	fprintf(f, "pid=%d\n", (int)getpid());
	fprintf(f, "start_wall_ns=%llu\n", (unsigned long long)rec->start.wall_ns);
	fprintf(f, "clock=%s\ntick_shift=%d\n", gtrace_clock_os ? "os" : "tsc", GTRACE_TICK_SHIFT);
	if (ps_per_tick)
		fprintf(f, "ps_per_tick=%llu\n", (unsigned long long)ps_per_tick);
	fprintf(f, "id=%016llx\n", (unsigned long long)rec->id);
	fprintf(f, "level=%s\nstacks=%u\n", levels[rec->opt.level], rec->opt.stack_frames);
	fprintf(f, "cpus=%ld\nversion=%s\n", sysconf(_SC_NPROCESSORS_ONLN), GTRACE_VERSION);
	fprintf(f, "%s%s", rec->info,
	        *rec->info && rec->info[strlen(rec->info) - 1] != '\n' ? "\n" : "");
	gtrace__header_events(f);
	dl_iterate_phdr(put_module, f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

int gtrace__header_write(const struct gtrace_rec *rec, struct gtrace__file *f)
{
	struct gtrace__chunk chunk = {
		.kind = GTRACE__HEADER,
		.first_ticks = rec->start.ticks,
		.last_ticks = rec->start.ticks,
		.clock = rec->start,
	};
	char *text = header_text(rec);
	sigset_t saved;

	if (!text)
		return -ENOMEM;
	gtrace__sigxfsz_block(&saved);
	int err = gtrace__file_chunk(f, &chunk, text, strlen(text));

	gtrace__sigxfsz_allow(&saved);
	free(text);
	return err;
}
