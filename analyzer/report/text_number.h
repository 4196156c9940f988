/* SPDX-License-Identifier: MIT */
/** text_number.h: numbers in the text report. */
#ifndef REPORT_TEXT_NUMBER_H
#define REPORT_TEXT_NUMBER_H

#include <stdint.h>

/** 1204311 -> "1,204,311". */
const char *text_count(char out[32], int64_t v);

#endif
