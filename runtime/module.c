/* SPDX-License-Identifier: MIT */
/** module.c: loading libgor_inspect, from beside libgor or where the dynamic linker looks. */
#define _GNU_SOURCE
#include "module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "scheduler.h"

static const struct module *module;

/** Beside the shared library that this function is in, if it is in one. */
static void *module_beside(void)
{
	char path[4096];
	Dl_info here;

	if (!dladdr(MODULE_SYMBOL, &here) || !here.dli_fname)
		return NULL;
	const char *slash = strrchr(here.dli_fname, '/');
	if (!slash || !strstr(slash, ".so"))
		return NULL;
	int dir = (int)(slash - here.dli_fname);
	if ((size_t)snprintf(path, sizeof path, "%.*s/%s", dir, here.dli_fname, MODULE_FILE) >=
	    sizeof path)
		return NULL;
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void module_load(void)
{
	void *file = module_beside();

	if (!file)
		file = dlopen(MODULE_FILE, RTLD_NOW | RTLD_LOCAL);
	const struct module *found = file ? dlsym(file, MODULE_SYMBOL) : NULL;
	if (!found)
		gor__say("gor: no symbols and no profiles: %s\n", dlerror());
	else if (strcmp(found->version, GOR_VERSION) != 0)
		gor__say("gor: no symbols and no profiles: " MODULE_FILE
		         " is of version %s, this is " GOR_VERSION "\n",
		         found->version);
	else
		module = found;
}

const struct module *gor__module(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, module_load);
	return module;
}
