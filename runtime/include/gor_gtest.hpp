/* SPDX-License-Identifier: MIT */
/**
 * gor_gtest.hpp: tests of GoogleTest that fail if a goroutine outlives them.
 *
 *	testing::UnitTest::GetInstance()->listeners().Append(new gor::leak_listener);
 *
 * in main(), before RUN_ALL_TESTS(): all tests are watched.
 */
#ifndef GOR_GTEST_HPP
#define GOR_GTEST_HPP

#include <gor_leak_note.h>
#include <gtest/gtest.h>

namespace gor
{

class leak_listener : public testing::EmptyTestEventListener
{
	void OnTestStart(const testing::TestInfo &) override
	{
		gor_leak_note_begin();
	}

	void OnTestEnd(const testing::TestInfo &) override
	{
		char *text = gor_leak_note_end();

		if (text)
			ADD_FAILURE() << text;
		free(text);
	}
};

} // namespace gor

#endif
