/* SPDX-License-Identifier: MIT */
/*
 * leak_12_lock_never_released.c: A task returns on an error with the lock held, and all others
 * wait for it.
 *
 * expect: abandoned-lock proven
 */
#include "corpus.h"

static struct {
	gor_mutex mu;
	int balance;
} account = {.balance = 10};

static void withdraw(int *amount)
{
	gor_mutex_lock(&account.mu);
	if (account.balance < *amount) {
		if (FIXED)
			gor_mutex_unlock(&account.mu);
		return;
	}
	account.balance -= *amount;
	gor_mutex_unlock(&account.mu);
}

static int app(void)
{
	gor_go_copy(withdraw, 20);
	gor_go_copy(withdraw, 5);
	gor_go_copy(withdraw, 5);
	gor_sleep(20 * GOR_MILLISECOND); // the bank goes on
	return 0;
}
