/* SPDX-License-Identifier: MIT */
/*
 * thin.cpp: gor.hpp at work.
 *
 * Compiled with WRONG from 1 up it has one error that the compiler must see.  With the argument
 * "throw" an exception leaves a goroutine.
 */
#include <gor.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#ifndef WRONG
#define WRONG 0
#endif

namespace
{

#define REQUIRE(cond) \
	((cond) ? static_cast<void>(0) \
	        : (std::fprintf(stderr, "thin.cpp:%d: failed: %s\n", __LINE__, #cond), std::_Exit(1)))

struct pair {
	int a;
	double b;
};

void channels()
{
	gor::chan<int> c, nil;
	gor::chan<pair> d;
	pair p = {1, 2};
	int v = 0;

	REQUIRE(!c && c == nil && nil.try_send(1) == -EAGAIN);
	REQUIRE(c.make(2, "numbers") == 0 && d.make(0) == 0);
	REQUIRE(c && c != nil && c.len() == 0 && c.cap() == 2);
	REQUIRE(c.send(1) == 0 && c.try_send(2) == 0 && c.try_send(3) < 0);
	REQUIRE(c.recv(&v) == 1 && v == 1 && c.recv(nullptr) == 1 && c.try_recv(&v) < 0);
	REQUIRE(c.recv_until(&v, gor_deadline(GOR_MICROSECOND)) < 0);
	gor::go([d] { d.send(pair{3, 4}); });
	REQUIRE(d.recv(&p) == 1 && p.a == 3);
	c.close();
	REQUIRE(c.recv(&v) == 0 && v == 0 && c.send_until(1, GOR_FOREVER) < 0);
	c.free();
	d.free();
}

void selects()
{
	gor::chan<int> in, out;
	int v = 0, x = 7;
	bool ok = false;

	in.make(0);
	out.make(1);
	REQUIRE(gor_select(gor::on_recv(in, &v), gor::on_default()) == 1);
	REQUIRE(gor_select(gor::on_recv(in, &v), gor::on_timeout(1)) == 1);
	REQUIRE(gor_select(gor::on_recv(in, &v), gor::on_send(out, x)) == 1);
	REQUIRE(gor_select(gor::on_recv(out, &v, &ok), gor::on_recv(in, nullptr)) == 0 && ok && v == 7);
	in.free();
	out.free();
}

std::atomic<int> alive{0};

struct counted {
	counted()
	{
		alive++;
	}
	counted(const counted &)
	{
		alive++;
	}
	~counted()
	{
		alive--;
	}
	std::size_t self() const
	{
		return 1;
	}
};

struct large {
	char bytes[2 * GOR_COPY_MAX];
};

/* What a lambda holds lives as long as its goroutine, whether it is copied, moved, large or small.
 */
void lambdas()
{
	gor::chan<int> c;
	gor_opt opt = {};

	c.make(4);
	{
		counted one;
		std::string text = "a text that is too long to be kept in the string itself";
		auto whole = std::make_shared<std::vector<int>>(100, 1);
		large big{};
		big.bytes[9] = 9;
		gor::go([=] { c.send(static_cast<int>(one.self() + text.size())); });
		gor::go([=] { c.send(static_cast<int>(whole->size())); }, opt);
		gor::go([=] { c.send(big.bytes[9]); });
		auto named = [c] { c.send(4); };
		gor::go(named);
	}
	int sum = 0, v = 0;
	for (int i = 0; i < 4; i++) {
		REQUIRE(c.recv(&v) == 1);
		sum += v;
	}
	REQUIRE(sum == 1 + 55 + 100 + 9 + 4);
	while (gor_num_goroutine() > 1)
		gor_yield();
	REQUIRE(alive == 0);
	c.free();
}

/* The same place has one site, another one has another, and other threads see the same. */
const gor_site *site_of(gor::where at = gor::where())
{
	return at.site(GOR_OP_GO);
}

void sites()
{
	const gor_site *seen[2] = {nullptr, nullptr};

	for (int i = 0; i < 2; i++)
		seen[i] = site_of();
	REQUIRE(seen[0] == seen[1] && seen[0]->line == __LINE__ - 1);
	REQUIRE(site_of() != seen[0]);
	gor_waitgroup wg = {};
	std::atomic<const gor_site *> first{nullptr};
	gor_wg_add(&wg, 100);
	for (int i = 0; i < 100; i++)
		gor::go([&] {
			const gor_site *none = nullptr, *mine = site_of();
			REQUIRE(first.compare_exchange_strong(none, mine) || none == mine);
			gor_wg_done(&wg);
		});
	gor_wg_wait(&wg);
}

void timers()
{
	gor_timer timer;
	std::int64_t when = 0;

	REQUIRE(gor_timer_start(&timer, GOR_MICROSECOND) == 0);
	REQUIRE(gor::chan_of(timer).recv(&when) == 1 && when > 0);
	gor_ctx *ctx = gor_ctx_with_cancel(gor_ctx_background());
	gor::chan<char> done = gor::done(ctx);
	REQUIRE(!gor::done(gor_ctx_background()) && done && done.try_recv(nullptr) < 0);
	gor_ctx_cancel(ctx);
	REQUIRE(done.recv(nullptr) == 0);
	gor_ctx_free(ctx);
}

/* An exception inside one goroutine is nobody else's affair. */
void exceptions()
{
	gor::chan<int> c;
	int v = 0;

	c.make(0);
	gor::go([c] {
		int caught = 0;
		try {
			throw 5;
		} catch (int n) {
			caught = n;
		}
		c.send(caught);
	});
	REQUIRE(c.recv(&v) == 1 && v == 5);
	c.free();
}

#if WRONG == 1
void wrong(gor::chan<std::string> c) // copied as bytes, a string breaks
{
	c.close();
}
#elif WRONG == 2
void wrong(gor::chan<int> c)
{
	double d;
	c.recv(&d); // another element type
}
#elif WRONG == 3
void wrong(gor::chan<int> c)
{
	gor::chan<double> d = c; // another channel type
	d.close();
}
#elif WRONG == 4
void wrong(gor::chan<int> c)
{
	gor_select(gor::on_send(c, 5)); // gone when it is sent
}
#elif WRONG == 5
void wrong(gor::chan<pair> c)
{
	c.send("text"); // another element type
}
#endif

int app(int argc, char **argv)
{
	if (argc > 1 && std::string(argv[1]) == "throw") {
		gor::go([] { throw 1; });
		gor_sleep(GOR_HOUR);
	}
	channels();
	selects();
	lambdas();
	sites();
	timers();
	exceptions();
	return 0;
}

} // namespace

int main(int argc, char **argv)
{
	return gor_run(app, argc, argv);
}
