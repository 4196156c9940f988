/* SPDX-License-Identifier: MIT */
/**
 * reach.c: where the search of memory at the end of a run finds the channels that are waited for.
 *
 * Each goroutine waits on a channel of its own, and what makes it ends: so an address lies nowhere
 * but where it was put, and on the stack of who waits.
 */
#include "check.h"
#include "objects.h"
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

struct box { // a block of malloc()
	char name[24];
	ints reply;
	struct box *next;
	gor_waitgroup group;
	gor_mutex mutex;
	gor_cond cond;
	gor_sem sem;
};

static struct { // in the data of the program
	struct box *first, *post;
	gor_ctx *ctx;
	char packed[16];
	uintptr_t tagged;
	void *mapped, *large, *group, *polled;
} shelf;
static _Atomic int settled;

static struct box *box_new(void)
{
	struct box *b = calloc(1, sizeof *b);

	REQUIRE(b);
	return b;
}

static void sit(ints *ch)
{
	atomic_fetch_add(&settled, 1);
	gor_recv(*ch, NULL);
}

static void sit_with(struct box *b)
{
	atomic_fetch_add(&settled, 1);
	gor_recv(b->reply, NULL);
	free(b);
}

static void sit_with_box(void *box)
{
	sit_with(box);
}

/* Only who waits has the block. */
static void lose_block(void *arg)
{
	struct box *lost = box_new();

	(void)arg;
	REQUIRE_EQ(gor_make(lost->reply, 0), 0);
	gor_go(sit_with_box, lost);
}

/* One that another thread made, so of another arena.  A thread's stack outlives it: nothing stays.
 */
static __attribute__((noinline)) void wipe(void)
{
	char below[16384];

	memset(below, 0, sizeof below);
	__asm__ volatile("" : : "r"(below) : "memory");
}

static __attribute__((noinline)) uintptr_t hidden_box(void)
{
	return ~(uintptr_t)box_new();
}

static void *make_hidden_box(void *arg)
{
	uintptr_t hidden = hidden_box();

	(void)arg;
	wipe();
	return (void *)hidden; // NOLINT: it is none
}

static void lose_other_arena(void *arg)
{
	pthread_t thread;
	void *hidden;

	(void)arg;
	REQUIRE_EQ(pthread_create(&thread, NULL, make_hidden_box, NULL), 0);
	REQUIRE_EQ(pthread_join(thread, &hidden), 0);
	struct box *other = (struct box *)~(uintptr_t)hidden; // NOLINT: an address again
	REQUIRE_EQ(gor_make(other->reply, 0), 0);
	gor_go(sit_with_box, other);
}

/* Two that the dead have, and each of which leads to the other. */
static void lose_ring(void *arg)
{
	struct box *ring = box_new(), *ring2 = box_new();

	(void)arg;
	ring->next = ring2;
	ring2->next = ring;
	REQUIRE_EQ(gor_make(ring->reply, 0), 0);
	REQUIRE_EQ(gor_make(ring2->reply, 0), 0);
	gor_go(sit_with_box, ring);
	gor_go(sit_with_box, ring2);
}

/* The block is free, but still holds the address. */
static void lose_freed(void *arg)
{
	struct box *freed = box_new();

	(void)arg;
	REQUIRE_EQ(gor_make(freed->reply, 0), 0);
	gor_go_copy(sit, freed->reply);
	free(freed);
}

/* A global leads to a block, which leads to the one with the channel. */
static void keep_block(void *arg)
{
	struct box *first = box_new(), *kept = box_new();

	(void)arg;
	REQUIRE_EQ(gor_make(kept->reply, 0), 0);
	gor_go_copy(sit, kept->reply);
	first->next = kept;
	shelf.first = first;
}

/* A message in a buffered channel that a block on the shelf has. */
static void keep_message(void *arg)
{
	gor_chan(ints) post;
	ints message;
	struct box *b = box_new();

	(void)arg;
	REQUIRE_EQ(gor_make(post, 1), 0);
	REQUIRE_EQ(gor_make(message, 0), 0);
	gor_go_copy(sit, message);
	REQUIRE_EQ(gor_send(post, message), 0);
	memcpy(&b->next, &post, sizeof post);
	shelf.post = b;
}

static void keep_odd(void *arg)
{
	ints packed, tagged;

	(void)arg;
	REQUIRE_EQ(gor_make(packed, 0), 0);
	REQUIRE_EQ(gor_make(tagged, 0), 0);
	gor_go_copy(sit, packed);
	gor_go_copy(sit, tagged);
	memcpy(shelf.packed + 3, &packed, sizeof packed);
	memcpy(&shelf.tagged, &tagged, sizeof tagged);
	shelf.tagged |= 1;
}

static void keep_mapped(void *arg)
{
	ints read_only, large;

	(void)arg;
	shelf.mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shelf.mapped != MAP_FAILED);
	REQUIRE_EQ(gor_make(read_only, 0), 0);
	gor_go_copy(sit, read_only);
	memcpy(shelf.mapped, &read_only, sizeof read_only);
	REQUIRE_EQ(mprotect(shelf.mapped, 4096, PROT_READ), 0);
	shelf.large = malloc(1 << 20);
	REQUIRE(shelf.large);
	REQUIRE_EQ(gor_make(large, 0), 0);
	gor_go_copy(sit, large);
	memcpy(shelf.large, &large, sizeof large);
}

/* Only an epoll set has the block. */
static void keep_in_epoll(void *arg)
{
	struct box *polled = box_new();
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = polled};

	(void)arg;
	int set = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_CLOEXEC);
	REQUIRE(set >= 0 && fd >= 0);
	REQUIRE_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev), 0);
	REQUIRE_EQ(gor_make(polled->reply, 0), 0);
	gor_go_copy(sit, polled->reply);
	if (SLOW > 1)
		shelf.polled = polled; // a sanitizer does not know what the kernel keeps
}

static void sit_below(void *above)
{
	gor_ctx *below = gor_ctx_with_cancel(above);
	gor_ctx *two_below = gor_ctx_with_cancel(below);

	atomic_fetch_add(&settled, 1);
	gor_recv(gor_ctx_done(two_below), NULL);
	gor_ctx_free(two_below);
	gor_ctx_free(below);
}

static void sit_in_lost_ctx(void *arg)
{
	gor_ctx *lost_ctx = gor_ctx_with_cancel(gor_ctx_background());

	(void)arg;
	gor_ctx *below_lost = gor_ctx_with_cancel(lost_ctx);
	atomic_fetch_add(&settled, 1);
	gor_recv(gor_ctx_done(below_lost), NULL);
	gor_ctx_free(below_lost);
	gor_ctx_free(lost_ctx);
}

static void sit_below_timed(void *arg)
{
	gor_ctx *timed = gor_ctx_with_timeout(gor_ctx_background(), GOR_HOUR);
	gor_ctx *below_timed = gor_ctx_with_cancel(timed);

	(void)arg;
	atomic_fetch_add(&settled, 1);
	gor_recv(gor_ctx_done(below_timed), NULL);
	gor_ctx_free(below_timed);
	gor_ctx_free(timed);
}

static void keep_ctx(void *arg)
{
	(void)arg;
	shelf.ctx = gor_ctx_with_cancel(gor_ctx_background());
	gor_go(sit_below, shelf.ctx);
}

static void wait_group(void *wg)
{
	atomic_fetch_add(&settled, 1);
	gor_wg_wait(wg);
}

static void wait_cond(void *box)
{
	struct box *unheard = box;

	gor_mutex_lock(&unheard->mutex);
	atomic_fetch_add(&settled, 1);
	gor_cond_wait(&unheard->cond, &unheard->mutex);
	gor_mutex_unlock(&unheard->mutex);
}

static void wait_sem(void *box)
{
	struct box *empty = box;

	atomic_fetch_add(&settled, 1);
	gor_sem_acquire(&empty->sem, 1);
}

/* Each in a block that only who waits has. */
static void lose_objects(void *arg)
{
	struct box *unfinished = box_new();

	(void)arg;
	gor_wg_add(&unfinished->group, 1);
	gor_go(wait_group, &unfinished->group);
	gor_go(wait_cond, box_new());
	gor_go(wait_sem, box_new());
}

static gor_waitgroup global_group;

static void keep_objects(void *arg)
{
	struct box *block = box_new();

	(void)arg;
	gor_wg_add(&global_group, 1);
	gor_go(wait_group, &global_group);
	gor_wg_add(&block->group, 1);
	gor_go(wait_group, &block->group);
	shelf.group = &block->group.value; // an address within it will do
}

/* On the stack of who waits, for a goroutine that sleeps, and for one that is lost as well. */
static void sleep_and_finish(void *wg)
{
	atomic_fetch_add(&settled, 1);
	gor_sleep(GOR_HOUR);
	gor_wg_done(wg);
}

static void lock_and_finish(void *box)
{
	struct box *locked = box;

	atomic_fetch_add(&settled, 1);
	gor_mutex_lock(&locked->mutex); // whose holder waits for us
	gor_mutex_unlock(&locked->mutex);
	gor_wg_done(&locked->group);
}

static void wait_on_stack(void *arg)
{
	gor_waitgroup slow_group = {0};

	(void)arg;
	gor_wg_add(&slow_group, 1);
	gor_go(sleep_and_finish, &slow_group);
	wait_group(&slow_group);
}

static void wait_with_lock(void *arg)
{
	struct box *held = box_new();

	(void)arg;
	gor_mutex_lock(&held->mutex);
	gor_wg_add(&held->group, 1);
	gor_go(lock_and_finish, held);
	wait_group(&held->group);
}

/* The group knows that it will be done, and nobody else does. */
static void rest(void *arg)
{
	(void)arg;
	atomic_fetch_add(&settled, 1);
	gor_sleep(GOR_HOUR);
}

static void wait_for_own(void *arg)
{
	struct box *own = box_new();

	(void)arg;
	gor_wg_add(&own->group, 0); // which gives it its name
	gor_wg_go(&own->group, rest, NULL);
	wait_group(&own->group);
}

struct maker {
	void (*make)(void *);
};

/* The stack will be another goroutine's: nothing stays of what was made. */
static void make(struct maker *m)
{
	m->make(NULL);
	wipe();
}

static void all(void)
{
	static const struct maker each[] = {
		{lose_block},   {lose_other_arena}, {lose_ring},    {lose_freed},      {keep_block},
		{keep_odd},     {keep_message},     {keep_ctx},     {sit_in_lost_ctx}, {sit_below_timed},
		{keep_mapped},  {lose_objects},     {keep_objects}, {wait_on_stack},   {wait_with_lock},
		{wait_for_own}, {keep_in_epoll},
	};

	for (unsigned i = 0; i < sizeof each / sizeof *each; i++)
		gor_go_copy(make, each[i]);
	__asm__ volatile("" : : "r"(&shelf) : "memory"); // somebody will look at it
	while (atomic_load(&settled) < 26)
		gor_yield();
	for (int i = 0; i < 100; i++) // on one processor, those that have counted themselves wait
		gor_yield();
}

static void blocks(void **state)
{
	(void)state;
	objects_record(all, 1);
	if (SLOW > 1) // a sanitizer keeps copies of everything: there is no search
		return;
	objects_expect("lost->reply", NOWHERE, "");
	objects_expect("other->reply", NOWHERE, "");
	objects_expect("ring->reply", NOWHERE, "");
	objects_expect("ring2->reply", NOWHERE, "");
	objects_expect("freed->reply", NOWHERE, "");
	objects_expect("kept->reply", IN_DATA, "global data of test_runtime_reach");
	objects_expect("message", IN_DATA, "global data of test_runtime_reach");
	objects_expect("packed", IN_DATA, "global data of test_runtime_reach");
	objects_expect("tagged", IN_DATA, "global data of test_runtime_reach");
	objects_expect("read_only", IN_MEMORY, "memory");
	objects_expect("large", IN_MEMORY, "memory");
	objects_expect("polled->reply", IN_MEMORY, "the kernel");
	objects_expect("below", IN_DATA, "global data of test_runtime_reach");
	objects_expect("lost_ctx", NOWHERE, "");
	objects_expect("&unfinished->group", NOWHERE, "");
	objects_expect("&unheard->cond", NOWHERE, "");
	objects_expect("&empty->sem", NOWHERE, "");
	objects_expect("&global_group", IN_DATA, "global data of test_runtime_reach");
	objects_expect("&block->group", IN_DATA, "global data of test_runtime_reach");
	objects_expect("&slow_group", IN_GOROUTINE, "stack of goroutine ");
	objects_expect("&held->group", NOWHERE, "");
	objects_expect("&own->group", IN_GOROUTINE, "stack of goroutine ");
	objects_expect("timed", IN_MEMORY, ""); // from where the timers are
}

/* A pipe whose ends we both have is not empty: a block may be in it, and nothing is called lost. */
static void lose_block_beside_pipe(void)
{
	gor_go_copy(make, (struct maker){lose_block});
	while (atomic_load(&settled) < 1)
		gor_yield();
	gor_yield();
}

static void in_a_pipe(void **state)
{
	int ends[2];
	uint64_t word = 1;

	(void)state;
	atomic_store(&settled, 0);
	assert_int_equal(pipe(ends), 0);
	objects_record(lose_block_beside_pipe, 1);
	if (SLOW <= 1)
		objects_expect("lost->reply", NOWHERE, "");
	assert_int_equal(write(ends[1], &word, sizeof word), sizeof word);
	atomic_store(&settled, 0);
	objects_record(lose_block_beside_pipe, 1);
	objects_expect("lost->reply", UNTOLD, "");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(blocks), cmocka_unit_test(in_a_pipe)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
