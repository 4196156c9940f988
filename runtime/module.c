/* SPDX-License-Identifier: MIT */
/** module.c: loading libgor_inspect, from beside libgor or where the dynamic linker looks. */
#define _GNU_SOURCE
#include "module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scheduler.h"

static struct {
	pthread_mutex_t lock;
	_Atomic bool known; // what is in `is` holds
	const struct module *is;
} module = {.lock = PTHREAD_MUTEX_INITIALIZER};

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

/** No descriptor is left to open a file with: that may pass. */
static bool module_no_room(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == EMFILE || errno == ENFILE);
}

/** Lock held. */
static void module_load(void)
{
	void *file = module_beside();

	if (!file)
		file = dlopen(MODULE_FILE, RTLD_NOW | RTLD_LOCAL);
	const struct module *found = file ? dlsym(file, MODULE_SYMBOL) : NULL;
	if (!found && module_no_room())
		return;
	if (!found)
		gor__say("gor: no symbols and no profiles: %s\n", dlerror());
	else if (strcmp(found->version, GOR_VERSION) != 0)
		gor__say("gor: no symbols and no profiles: " MODULE_FILE
		         " is of version %s, this is " GOR_VERSION "\n",
		         found->version);
	else
		module.is = found;
	atomic_store(&module.known, true);
}

const struct module *gor__module(void)
{
	if (atomic_load(&module.known))
		return module.is;
	pthread_mutex_lock(&module.lock);
	if (!atomic_load(&module.known))
		module_load();
	const struct module *is = module.is;
	pthread_mutex_unlock(&module.lock);
	return is;
}
