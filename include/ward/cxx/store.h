/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.h - memory of tasks that are made of lambdas: it goes back to the thread that had
 * it, and is had again.  Private.
 *
 * A thread's store has a list of free pieces of its own, and one that other threads give
 * back to, by a swap.  The owner takes all of the second when the first is empty; so no
 * piece is ever popped by two, and an address that comes again does no harm.  Pieces stay
 * with their thread until that ends; those that are out then are freed as they come back,
 * and the store with the last of them.
 *
 * In steady state nothing is allocated, as long as a thread's tasks fit in what they were
 * once at most.
 */
#ifndef WARD_CXX_STORE_H
#define WARD_CXX_STORE_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace libward
{
namespace detail
{

inline constexpr std::size_t line = 64;

class store
{
public:
	/* What pieces there are; a task that is larger, or aligned otherwise, is none. */
	static constexpr std::size_t sizes[] = { 320, 512 };
	static constexpr unsigned kinds = 2;

	static constexpr unsigned kind_of(std::size_t size, std::size_t align)
	{
		return align > line	? kinds :
		       size <= sizes[0] ? 0 :
		       size <= sizes[1] ? 1 :
					  kinds;
	}

	/* The caller's; null where its thread is ending, or there is no memory. */
	static store *mine()
	{
		if (!current && !ended)
			open();
		return current;
	}

	/* Null: no memory. */
	void *take(unsigned kind)
	{
		if (!free_[kind])
			collect();
		piece *p = free_[kind];

		if (p)
			free_[kind] = p->next;
		else
			p = static_cast<piece *>(fresh(sizes[kind], line));
		out_ += p != nullptr;
		return p;
	}

	/* By any thread. */
	static void give(store *home, void *mem, unsigned kind)
	{
		piece *p = new (mem) piece{ nullptr, kind };

		if (home == current)
			home->keep(p);
		else
			home->receive(p);
	}

	static void *fresh(std::size_t size, std::size_t align)
	{
		return ::operator new(size, std::align_val_t(align), std::nothrow);
	}
	static void discard(void *mem, std::size_t align)
	{
		::operator delete(mem, std::align_val_t(align));
	}

private:
	struct piece {
		piece *next;
		unsigned kind;
	};
	struct closer {
		~closer()
		{
			store *mine = current;

			ended = true;
			current = nullptr;
			if (mine)
				mine->close();
		}
	};

	static void open()
	{
		static thread_local closer at_the_end;

		(void)&at_the_end;
		current = new (std::nothrow) store;
	}

	void keep(piece *p)
	{
		p->next = free_[p->kind];
		free_[p->kind] = p;
		out_--;
	}

	/* In place of a list: the owner has gone. */
	piece *closed()
	{
		return reinterpret_cast<piece *>(this);
	}

	void receive(piece *p)
	{
		piece *head = returned_.load(std::memory_order_acquire);

		do {
			if (head == closed()) {
				discard(p, line);
				settle(-1);
				return;
			}
			p->next = head;
		} while (!returned_.compare_exchange_weak(
			head, p, std::memory_order_release, /* to collect() */
			std::memory_order_acquire));
	}

	void collect()
	{
		piece *p = nullptr;

		if (returned_.load(std::memory_order_relaxed))
			p = returned_.exchange(nullptr, std::memory_order_acquire);
		keep_all(p);
	}

	void keep_all(piece *p)
	{
		while (p) {
			piece *next = p->next;

			keep(p);
			p = next;
		}
	}

	void close()
	{
		keep_all(returned_.exchange(closed(), std::memory_order_acq_rel));
		for (piece *p : free_)
			while (p) {
				piece *next = p->next;

				discard(p, line);
				p = next;
			}
		settle(out_);
	}

	/* The pieces that were out when the owner went, and those that came back since,
	 * add up to none: the last one, whoever that is, ends the store. */
	void settle(std::ptrdiff_t by)
	{
		if (left_.fetch_add(by, std::memory_order_acq_rel) + by == 0)
			delete this;
	}

	piece *free_[kinds] = {}; /* the owner's */
	std::ptrdiff_t out_ = 0;  /* the owner's: pieces that are elsewhere */
	alignas(line) std::atomic<piece *> returned_{ nullptr }; /* any thread's */
	std::atomic<std::ptrdiff_t> left_{ 0 };

	inline static thread_local store *current = nullptr;
	inline static thread_local bool ended = false;
};

} // namespace detail
} // namespace libward

#endif
