/* SPDX-License-Identifier: MIT */
/*
 * leak_14_ab_ba.c: two transfers take the same two locks in opposite orders.
 *
 * expect: lock-deadlock proven
 */
#include "corpus.h"

struct account {
	gor_mutex mu;
	int balance;
};

static struct account a = {.balance = 10}, b = {.balance = 10};

static void transfer(struct account *from, struct account *to)
{
	struct account *first = FIXED && from > to ? to : from;
	struct account *second = first == from ? to : from;

	gor_mutex_lock(&first->mu);
	gor_mutex_lock(&second->mu);
	from->balance--;
	to->balance++;
	gor_mutex_unlock(&second->mu);
	gor_mutex_unlock(&first->mu);
}

static void forth(void *arg)
{
	(void)arg;
	transfer(&a, &b);
}

static void back(void *arg)
{
	(void)arg;
	transfer(&b, &a);
}

static int app(void)
{
	gor_go(forth, NULL);
	gor_go(back, NULL);
	gor_sleep(20 * GOR_MILLISECOND); // the bank goes on
	return 0;
}
