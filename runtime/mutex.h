/* SPDX-License-Identifier: MIT */
/** mutex.h: the mutex for those who are inside the runtime already; see mutex.c. */
#ifndef GOR_MUTEX_H
#define GOR_MUTEX_H

#include "scheduler.h"

void gor__mutex_lock(struct m *m, gor_mutex *mu, const struct gor_site *site);
struct g *gor__mutex_release(struct m *m, gor_mutex *mu, const struct gor_site *site);
void gor__mutex_check_owner(struct m *m, const gor_mutex *mu, const struct gor_site *site);

#endif
