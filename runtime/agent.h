/* SPDX-License-Identifier: MIT */
/** agent.h: see agent.c. */
#ifndef GOR_AGENT_H
#define GOR_AGENT_H

void gor__agent_start(void);

/** Before an _exit: the socket's file goes. */
void gor__agent_end(void);

#endif
