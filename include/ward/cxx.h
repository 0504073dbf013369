/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cxx.h - libward from C++: exceptions that leave run() become reports.
 *
 *	static int convert(struct ward_task *task) { ... throw ...; }
 *	task.run = libward::run<convert>;
 *
 * Without it an exception that leaves run() ends the process, as it does for any
 * thread; one that leaves done(), release() or a hook always does.  (The namespace
 * has another name than all else because "ward" is a struct's.)
 *
 * The report (error.h) has the exception's type and words.  Its backtrace is of
 * where it was caught: by then the stack below is gone.  Objects on the way were
 * destroyed, so nothing is left half done, other than by ward_raise().
 */
#ifndef WARD_CXX_H
#define WARD_CXX_H

#ifndef __cplusplus
#error "ward/cxx.h is for C++"
#endif

#include <ward/ward.h>

#include <cerrno>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <system_error>
#include <typeinfo>

namespace libward
{

/* What an attempt ends with whose exception stands for no error code. */
enum { exception_code = -ENOTRECOVERABLE };

namespace detail
{

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

} // namespace detail

/*
 * run() of a task, by the function 'fn'.  What fn throws is told by ward_fail(),
 * and the attempt ends with the code of a std::system_error, -ENOMEM for a
 * std::bad_alloc, or else exception_code.  pthread_exit() and cancellation unwind
 * through it as they do through anything.
 */
template <int (*fn)(struct ward_task *)> int run(struct ward_task *task)
{
#if defined(__EXCEPTIONS) || defined(__cpp_exceptions)
	try {
		return fn(task);
#ifdef __GLIBCXX__
	} catch (abi::__forced_unwind &) {
		throw;
#endif
	} catch (const std::system_error &e) {
		return detail::tell(detail::code_of(e), e);
	} catch (const std::bad_alloc &e) {
		return detail::tell(-ENOMEM, e);
	} catch (const std::exception &e) {
		return detail::tell(exception_code, e);
	} catch (...) {
		return ward_fail(exception_code, "an exception of type %s",
				 detail::thrown().name());
	}
#else
	return fn(task);
#endif
}

} // namespace libward

#endif
