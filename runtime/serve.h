/* SPDX-License-Identifier: MIT */
/** serve.h: see serve.c. */
#ifndef GOR_SERVE_H
#define GOR_SERVE_H

#include <stdbool.h>

#include "module.h"

extern const struct module_host gor__module_host;

/** A listening socket, to be closed in children.  False: there are too many. */
bool gor__serve_keep(int fd);

void gor__serve_forget(int fd);

/** http= of GOR_DEBUG; what goes wrong is said on stderr. */
void gor__serve_configured(const char *hostport);

#endif
