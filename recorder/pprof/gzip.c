/* SPDX-License-Identifier: MIT */
/** gzip.c: bytes as a gzip file, by zlib. */
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#define ZLIB_CONST // it does not write to next_in
#include <zlib.h>

enum { GZIP_FORMAT = 16 + MAX_WBITS, GZIP_MEMORY = 8, GZIP_PIECE = 1 << 16 };

int gzip_write(FILE *out, const uint8_t *bytes, size_t len)
{
	unsigned char piece[GZIP_PIECE];
	z_stream z = {.next_in = bytes};
	int got = deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORMAT, GZIP_MEMORY,
	                       Z_DEFAULT_STRATEGY);
	int err = got == Z_OK ? 0 : -ENOMEM;

	for (size_t left = len; err == 0 && got != Z_STREAM_END;) {
		if (z.avail_in == 0) {
			z.avail_in = left < UINT_MAX ? (uInt)left : UINT_MAX;
			left -= z.avail_in;
		}
		z.next_out = piece;
		z.avail_out = sizeof piece;
		got = deflate(&z, left ? Z_NO_FLUSH : Z_FINISH);
		size_t n = sizeof piece - z.avail_out;
		if (n && fwrite(piece, 1, n, out) != n)
			err = errno ? -errno : -EIO;
	}
	deflateEnd(&z);
	return err;
}
