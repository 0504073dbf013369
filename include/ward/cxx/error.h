/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error.h - C++ exceptions that leave a task become reports; and what did not go well is
 * an exception that names its report.
 *
 * An exception that leaves run() of a task ends the process, as it does for any thread,
 * unless run() is libward::run<fn>, or the task was made of a lambda (pool.h); one that
 * leaves done(), release() or a hook always does.
 *
 * The report (ward/error.h) has the exception's type and words.  Its backtrace is of
 * where it was caught: by then the stack below is gone.  Objects on the way were
 * destroyed, so nothing is left half done, other than by ward_raise().
 */
#ifndef WARD_CXX_ERROR_H
#define WARD_CXX_ERROR_H

#include <ward/ward.h>

#include <cerrno>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <string>
#include <system_error>
#include <typeinfo>

namespace libward
{

/* What an attempt ends with whose exception stands for no error code. */
enum { exception_code = -ENOTRECOVERABLE };

/*
 * The reason why a call was refused, or with which a task ended: code() is the errno value,
 * of std::generic_category().
 */
class error : public std::system_error
{
public:
	explicit error(int err, uint64_t incident = 0)
		: std::system_error(err < 0 ? -err : err,
				    std::generic_category(), words(incident)),
		  incident_(incident)
	{
	}
	/* The id of the report that tells how it came to that; 0: there is none. */
	uint64_t incident() const noexcept
	{
		return incident_;
	}
	/* That report as one line; "" where it is not told yet, or forgotten. */
	std::string report() const
	{
		int length = ward_report_find(incident_, nullptr, 0, false);
		std::string text(length > 0 ? static_cast<size_t>(length) : 0, ' ');

		if (length > 0)
			ward_report_find(incident_, &text[0], text.size() + 1,
					 false);
		return text;
	}

private:
	static std::string words(uint64_t incident)
	{
		return incident ? "incident #" + std::to_string(incident) :
				  std::string("libward");
	}

	uint64_t incident_;
};

namespace detail
{

[[noreturn]] inline void fail(int err, uint64_t incident = 0)
{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	throw error(err, incident);
#else
	(void)err;
	(void)incident;
	std::abort();
#endif
}

/* The name of the exception that is being handled. */
class thrown
{
public:
	thrown() : name_("unknown"), mem_(nullptr)
	{
		const std::type_info *type = abi::__cxa_current_exception_type();
		int status = 0;

		if (!type)
			return;
		name_ = type->name();
		mem_ = abi::__cxa_demangle(name_, nullptr, nullptr, &status);
		if (mem_)
			name_ = mem_;
	}
	~thrown()
	{
		std::free(mem_);
	}
	thrown(const thrown &) = delete;
	thrown &operator=(const thrown &) = delete;
	const char *name() const
	{
		return name_;
	}

private:
	const char *name_;
	char *mem_;
};

/* Codes of the system are errno's; 0, and what done() takes for no failure, are
 * no errors to end with. */
inline int code_of(const std::system_error &e)
{
	int code = e.code().value();

	if (e.code().category() != std::generic_category() &&
	    e.code().category() != std::system_category())
		return exception_code;
	return code > 0 && code != ECANCELED ? -code : exception_code;
}

inline int tell(int err, const std::exception &e)
{
	return ward_fail(err, "%s: %s", thrown().name(), e.what());
}

/*
 * What fn() returns.  What it throws is told by ward_fail(), and the result is the code of
 * a std::system_error, -ENOMEM for a std::bad_alloc, or else exception_code.
 * pthread_exit() and cancellation unwind through it as they do through anything.
 */
template <class Fn> int told(Fn &&fn)
{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	try {
		return fn();
#ifdef __GLIBCXX__
	} catch (abi::__forced_unwind &) {
		throw;
#endif
	} catch (const std::system_error &e) {
		return tell(code_of(e), e);
	} catch (const std::bad_alloc &e) {
		return tell(-ENOMEM, e);
	} catch (const std::exception &e) {
		return tell(exception_code, e);
	} catch (...) {
		return ward_fail(exception_code, "an exception of type %s",
				 thrown().name());
	}
#else
	return fn();
#endif
}

} // namespace detail

/*
 * run() of a task, by the function 'fn':
 *
 *	static int convert(struct ward_task *task) { ... throw ...; }
 *	task.run = libward::run<convert>;
 *
 * The attempt ends with the code of a std::system_error, -ENOMEM for a std::bad_alloc,
 * or else exception_code.
 */
template <int (*fn)(struct ward_task *)> int run(struct ward_task *task)
{
	return detail::told([task] { return fn(task); });
}

} // namespace libward

#endif
