/* SPDX-License-Identifier: MIT */
/** module.c: what libgor_inspect gives to libgor. */
#include "module.h"

#include <gor.h>

#include "inspect/http.h"
#include "inspect/profile.h"
#include "inspect/symbol.h"

GOR_EXPORT extern const struct module gor_inspect_module;

const struct module gor_inspect_module = {
	.version = GOR_VERSION,
	.places = inspect_places,
	.source = inspect_source,
	.serve = inspect_serve,
	.answer = inspect_answer,
	.gops = inspect_gops,
	.pprof_begin = inspect_pprof_begin,
	.pprof_sample = inspect_pprof_sample,
	.pprof_end = inspect_pprof_end,
};
