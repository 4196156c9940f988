/* SPDX-License-Identifier: MIT */
/** serve.h: see serve.c. */
#ifndef GOR_SERVE_H
#define GOR_SERVE_H

#include <stdbool.h>

#include "module.h"

extern const struct module_host gor__module_host;

/** From here on children close what is kept. */
void gor__serve_ready(void);

/** A listening socket, to be closed in children.  False: there are too many. */
bool gor__serve_keep(int fd);

void gor__serve_forget(int fd);

/** http= of GOR_DEBUG; what goes wrong is said on stderr. */
void gor__serve_configured(const char *hostport);

#endif
