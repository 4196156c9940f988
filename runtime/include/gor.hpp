/* SPDX-License-Identifier: MIT */
/**
 * gor.hpp: typed channels and goroutines from lambdas, for C++11 and later; all else is in gor.h.
 *
 *	gor::chan<int> c;
 *	c.make(0);
 *	gor::go([c] { c.send(42); });
 *	int v;
 *	c.recv(&v);
 *
 * What gor.h says of each call holds for its namesake here: blocking, context, what it returns.
 *
 * - A channel is a handle, one pointer wide, copied freely, and freed once, by free().  Its values
 *   are copied as bytes, so T is trivially copyable.  Send a pointer to anything else: who receives
 *   it owns it.
 * - go() copies the callable, or moves it, and destroys its copy at the goroutine's end, unless
 *   that is gor_exit() or the goroutine is abandoned: then nothing on its stack is unwound either.
 * - An exception must not leave a goroutine: std::terminate().  A goroutine that blocks may resume
 *   on another thread, and the C++ library counts exceptions that are being handled by the thread:
 *   so do not block in a catch block, nor in a destructor that an exception runs.
 * - A call site is the caller's file, function and line, which the compiler hands over as default
 *   arguments.  gor.h wants a constant that lives for ever; the first call from a place makes one,
 *   which is then found again in a table without a lock (2 ns).
 */
#ifndef GOR_HPP
#define GOR_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "gor.h"

namespace gor
{

/** Where a call stands.  Leave it to the default arguments. */
class where
{
  public:
	where(const char *file = __builtin_FILE(), const char *func = __builtin_FUNCTION(),
	      unsigned line = __builtin_LINE()) noexcept
		: file_(file), func_(func), line_(line)
	{
	}

	/** The site record of this place: always the same for the same place, op and text. */
	const gor_site *site(gor_op op, const char *text = "") const noexcept
	{
		static std::atomic<const gor_site *> table[sites_max];
		static const gor_site too_many = {"", "", "", 0, 0};
		std::size_t at = hash(op);

		for (std::size_t i = 0; i < sites_max; i++, at = (at + 1) % sites_max) {
			const gor_site *there = table[at].load(std::memory_order_acquire);
			if (!there) {
				const gor_site *made = new (std::nothrow)
					gor_site{file_, func_, text, line_, static_cast<std::uint32_t>(op)};
				if (!made)
					break;
				if (table[at].compare_exchange_strong(there, made, std::memory_order_acq_rel,
				                                      std::memory_order_acquire))
					return made;
				delete made; // another thread was faster
			}
			if (there->file == file_ && there->line == line_ && there->op == op &&
			    there->func == func_ && there->text == text)
				return there;
		}
		return &too_many;
	}

  private:
	static constexpr std::size_t sites_max = 8192;

	std::size_t hash(gor_op op) const noexcept
	{
		std::uint64_t h =
			reinterpret_cast<std::uintptr_t>(file_) + std::uint64_t(line_) * 64 + std::uint64_t(op);

		return static_cast<std::size_t>((h * UINT64_C(0x9E3779B97F4A7C15)) >> 32) % sites_max;
	}

	const char *file_, *func_;
	unsigned line_;
};

/** A channel of T; the default one is the nil channel. */
template <class T> class chan
{
	static_assert(std::is_trivially_copyable<T>::value,
	              "gor::chan<T>: T is copied as bytes; send a pointer to it instead");

  public:
	constexpr chan() noexcept : c_(nullptr)
	{
	}
	constexpr explicit chan(gor_hchan *handle) noexcept : c_(handle)
	{
	}
	constexpr gor_hchan *handle() const noexcept
	{
		return c_;
	}
	constexpr explicit operator bool() const noexcept
	{
		return c_ != nullptr;
	}
	friend constexpr bool operator==(chan a, chan b) noexcept
	{
		return a.c_ == b.c_;
	}
	friend constexpr bool operator!=(chan a, chan b) noexcept
	{
		return a.c_ != b.c_;
	}

	/** Make it, as gor_make().  name: a string literal, for dumps and traces. */
	int make(std::size_t cap, const char *name = "", where at = where())
	{
		return gor_chan_make_at(&c_, sizeof(T), cap, at.site(GOR_OP_CHAN_MAKE, name));
	}

	int send(const T &value, where at = where()) const
	{
		return gor_chan_send_at(c_, &value, at.site(GOR_OP_CHAN_SEND));
	}
	int send_until(const T &value, std::int64_t deadline, where at = where()) const
	{
		return gor_chan_send_until_at(c_, &value, deadline, at.site(GOR_OP_CHAN_SEND));
	}
	int try_send(const T &value, where at = where()) const
	{
		return gor_chan_send_until_at(c_, &value, GOR_NOW, at.site(GOR_OP_CHAN_SEND));
	}

	/** out may be null. */
	int recv(T *out, where at = where()) const
	{
		return gor_chan_recv_at(c_, out, GOR_FOREVER, at.site(GOR_OP_CHAN_RECV));
	}
	int recv_until(T *out, std::int64_t deadline, where at = where()) const
	{
		return gor_chan_recv_at(c_, out, deadline, at.site(GOR_OP_CHAN_RECV));
	}
	int try_recv(T *out, where at = where()) const
	{
		return gor_chan_recv_at(c_, out, GOR_NOW, at.site(GOR_OP_CHAN_RECV));
	}

	void close(where at = where()) const
	{
		gor_chan_close_at(c_, at.site(GOR_OP_CHAN_CLOSE));
	}
	void free(where at = where()) const
	{
		gor_chan_free_at(c_, at.site(GOR_OP_CHAN_FREE));
	}
	std::size_t len() const
	{
		return gor_chan_len(c_);
	}
	std::size_t cap() const
	{
		return gor_chan_cap(c_);
	}

  private:
	gor_hchan *c_;
};

namespace detail
{
template <class T> struct exactly { // a parameter that is not asked what T is
	using type = T;
};
} // namespace detail

/* Channels that gor.h makes. */

inline chan<std::int64_t> chan_of(const gor_timer &t) noexcept
{
	return chan<std::int64_t>(reinterpret_cast<gor_hchan *>(t.c));
}
inline chan<std::int64_t> chan_of(const gor_ticker &t) noexcept
{
	return chan<std::int64_t>(reinterpret_cast<gor_hchan *>(t.c));
}
/** Closed when ctx is cancelled; the nil channel for the root. */
inline chan<char> done(gor_ctx *ctx)
{
	return chan<char>(static_cast<gor_hchan *>(gor_ctx_done_at(ctx)));
}

/*
 * Cases for gor.h's gor_select(...), in the order of the indices it returns:
 *
 *	switch (gor_select(gor::on_recv(c, &v), gor::on_send(d, x), gor::on_timeout(GOR_SECOND)))
 */

template <class T>
gor_case on_recv(chan<T> c, typename detail::exactly<T>::type *out, bool *ok = nullptr) noexcept
{
	return gor_case{GOR_CASE_RECV, c.handle(), out, ok, 0};
}

/** value is not copied before it is sent: a variable, no temporary. */
template <class T>
gor_case on_send(chan<T> c, const typename detail::exactly<T>::type &value) noexcept
{
	return gor_case{GOR_CASE_SEND, c.handle(), const_cast<T *>(&value), nullptr, 0};
}
template <class T>
gor_case on_send(chan<T> c, const typename detail::exactly<T>::type &&value) = delete;

inline gor_case on_timeout(std::int64_t dur) noexcept
{
	return gor_case{GOR_CASE_TIMEOUT, nullptr, nullptr, nullptr, dur};
}
inline gor_case on_default() noexcept
{
	return gor_case{GOR_CASE_DEFAULT, nullptr, nullptr, nullptr, 0};
}

namespace detail
{

template <class F> void run_on_stack(void *f) noexcept // noexcept: nothing may leave a goroutine
{
	(*static_cast<F *>(f))();
}

template <class F> void run_on_heap(void *f) noexcept
{
	F *own = static_cast<F *>(f);

	(*own)();
	delete own;
}

/* What has nothing to destroy and fits is copied to the goroutine's stack. */
template <class F>
struct fits : std::integral_constant<bool, std::is_trivially_copyable<F>::value &&
                                               sizeof(F) <= GOR_COPY_MAX && alignof(F) <= 16> {
};

template <class F, class G>
std::uint64_t go(G &&f, const gor_opt *opt, const gor_site *site, std::true_type)
{
	F copy(std::forward<G>(f));

	(void)opt;
	return gor_go_copy_at(run_on_stack<F>, &copy, sizeof copy, site);
}

template <class F, class G>
std::uint64_t go(G &&f, const gor_opt *opt, const gor_site *site, std::false_type)
{
	static_assert(alignof(F) <= alignof(std::max_align_t), "gor::go: aligned too strictly");
	F *copy = new (std::nothrow) F(std::forward<G>(f));

	if (!copy)
		return 0;
	std::uint64_t id = gor_go_at(run_on_heap<F>, copy, opt, site);
	if (!id)
		delete copy;
	return id;
}

} // namespace detail

/** Run f() in a new goroutine.  Returns: its id; 0 if there is no memory (nothing was started). */
template <class F> std::uint64_t go(F &&f, where at = where())
{
	using own = typename std::decay<F>::type;

	return detail::go<own>(std::forward<F>(f), nullptr, at.site(GOR_OP_GO, "lambda"),
	                       detail::fits<own>());
}

/** The same with options, as gor_go_opt(). */
template <class F> std::uint64_t go(F &&f, const gor_opt &opt, where at = where())
{
	using own = typename std::decay<F>::type;

	return detail::go<own>(std::forward<F>(f), &opt, at.site(GOR_OP_GO, "lambda"),
	                       std::false_type());
}

} // namespace gor

#endif
