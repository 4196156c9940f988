/* SPDX-License-Identifier: MIT */
/** sidecar.c: any bytes as the sidecar of a small sound trace; its id and magic are put right. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <gtrace.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID 5

static struct {
	char dir[64];
	char path[80];
	char live[96];
} files;

static void files_remove(void)
{
	unlink(files.path);
	unlink(files.live);
	rmdir(files.dir);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

/** Batches 1 and 3 of stream 1; the payload of 3 is damaged. */
static void files_make(void)
{
	static const uint8_t records[] = {GTRACE_GO_NEW, 1, 1, 0, 0, GTRACE_GO_START, 2, 1, 1};
	struct gtrace__chunk batch = {.kind = GTRACE__BATCH, .thread = 1, .seq = 1, .generation = 1};
	struct fuzz_trace t = {0};
	char header[64];

	strcpy(files.dir, access("/dev/shm", W_OK) ? P_tmpdir "/fuzz.XXXXXX" : "/dev/shm/fuzz.XXXXXX");
	FUZZ_CHECK(mkdtemp(files.dir));
	snprintf(files.path, sizeof(files.path), "%s/a.gtrace", files.dir);
	snprintf(files.live, sizeof(files.live), "%s.live", files.path);
	atexit(files_remove);
	snprintf(header, sizeof(header), "clock=os\ntick_shift=0\nid=%016x\n", ID);
	fuzz_chunk(&t, (struct gtrace__chunk){.kind = GTRACE__HEADER}, header, strlen(header));
	fuzz_chunk(&t, batch, records, sizeof(records));
	batch.seq = 3;
	fuzz_chunk(&t, batch, records, sizeof(records));
	t.bytes[t.len - sizeof(records) - 5] ^= 1; // the frame's content size
	write_file(files.path, t.bytes, t.len);
	free(t.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gtrace__side page = {0};
	uint8_t *bytes = malloc(len + sizeof(page));

	FUZZ_CHECK(bytes);
	if (!*files.path)
		files_make();
	memset(bytes, 0, len + sizeof(page));
	if (len)
		memcpy(bytes, data, len);
	memcpy(&page, bytes, sizeof(page));
	memcpy(page.magic, GTRACE__SIDE_MAGIC, sizeof(page.magic));
	page.major = GTRACE_FORMAT_MAJOR;
	page.id = ID;
	memcpy(bytes, &page, sizeof(page));
	write_file(files.live, bytes, len + sizeof(page));
	struct fuzz_read read = fuzz_read_all(files.path);

	FUZZ_CHECK(!read.result && read.events >= 2);
	free(bytes);
	return 0;
}
