/* SPDX-License-Identifier: MIT */
/* gtest.cpp: two tests with GoogleTest; the second one leaks a goroutine. */
#include <gor_gtest.hpp>

extern "C" {
#include "work.h"
}

TEST(Work, TakesAnswer)
{
	EXPECT_EQ(gor_run(take_answer, 0, nullptr), 42);
}

TEST(Work, GoesAway)
{
	EXPECT_EQ(gor_run(go_away, 0, nullptr), 42);
}

int main(int argc, char **argv)
{
	testing::InitGoogleTest(&argc, argv);
	testing::UnitTest::GetInstance()->listeners().Append(new gor::leak_listener);
	return RUN_ALL_TESTS();
}
