/* SPDX-License-Identifier: MIT */
/** serve.h: see serve.c. */
#ifndef GOR_SERVE_H
#define GOR_SERVE_H

#include "module.h"

extern const struct module_host gor__module_host;

/** A socket that listen() makes, closed in children.  Returns: it, or -errno; -EMFILE also if there
 * are too many. */
int gor__serve_listen(int (*listen)(const char *where), const char *where);

void gor__serve_close(int fd);

/** http= of GOR_DEBUG; what goes wrong is said on stderr. */
void gor__serve_configured(const char *hostport);

#endif
