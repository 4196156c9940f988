/* SPDX-License-Identifier: MIT */
/** text.c: any text to the assembler; what it makes of it is a sound trace. */
#include "fuzz.h"

#include <gtrace.h>

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct gtrace_error err = {0};
	const char *path = fuzz_file("", 0);
	int code = gtrace_text_assemble((const char *)data, len, path, &err);

	FUZZ_CHECK(code <= 0 && !*err.text == !code);
	if (code)
		return 0;
	struct fuzz_read read = fuzz_read_all(path);

	FUZZ_CHECK(!read.result);
	return 0;
}
