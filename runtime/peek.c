/* SPDX-License-Identifier: MIT */
/** peek.c: the kernel reads it for us: what is unmapped is an error there, and no crash. */
#define _GNU_SOURCE
#include "peek.h"

#include <sys/uio.h>
#include <unistd.h>

size_t gor__peek(void *to, uint64_t from, size_t bytes)
{
	struct iovec local = {to, bytes},
				 remote = {(void *)(uintptr_t)from, bytes}; // NOLINT: an address
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return n < 0 ? 0 : (size_t)n;
}
