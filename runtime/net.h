/* SPDX-License-Identifier: MIT */
/** net.h: see net.c. */
#ifndef GOR_NET_H
#define GOR_NET_H

/**
 * A socket that listens at hostport, of which no host means this machine alone.  Any thread: it is
 * not the poller's, and a name's look-up blocks the thread.  Returns: the socket, or -errno.
 */
int gor__listen_near(const char *hostport);

#endif
