/* SPDX-License-Identifier: MIT */
/** reader.c: any file as a trace; the headers' checksums are put right. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *bytes = malloc(len + 1);

	FUZZ_CHECK(bytes);
	if (len)
		memcpy(bytes, data, len);
	fuzz_seal(bytes, len);
	fuzz_read_all(fuzz_file(bytes, len));
	free(bytes);
	return 0;
}
