/* SPDX-License-Identifier: MIT */
/*
 * moby_4951.c: the deleter releases the set's lock with the device's lock held; a second deleter
 * takes the set's lock and asks for the device's, and the first asks for the set's again.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

static struct {
	gor_mutex mu;     // the set of devices
	gor_mutex device; // one device
	bool mounted, deleted;
} set = {.mounted = true};

static void remove_and_wait(void)
{
	for (int tries = 0; set.mounted && tries < 3; tries++) {
		if (FIXED)
			gor_mutex_unlock(&set.device);
		gor_mutex_unlock(&set.mu); // let others in while it is busy
		gor_sleep(GOR_MILLISECOND);
		if (FIXED) {
			gor_mutex_lock(&set.device);
			gor_mutex_lock(&set.mu);
		} else {
			gor_mutex_lock(&set.mu);
		}
		set.mounted = tries < 1;
	}
}

static void delete_device(void *arg)
{
	(void)arg;
	if (FIXED) { // the device first, everywhere
		gor_mutex_lock(&set.device);
		gor_mutex_lock(&set.mu);
	} else {
		gor_mutex_lock(&set.mu);
		gor_mutex_lock(&set.device);
	}
	if (!set.deleted)
		remove_and_wait();
	set.deleted = true;
	gor_mutex_unlock(&set.device);
	gor_mutex_unlock(&set.mu);
}

static int app(void)
{
	gor_go(delete_device, NULL);
	gor_go(delete_device, NULL);
	gor_sleep(50 * GOR_MILLISECOND); // the daemon goes on
	return 0;
}
