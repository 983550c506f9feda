#include "webhook/turns.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>

namespace webhook {
namespace {

namespace asio = boost::asio;
using ::testing::ElementsAre;

TEST(Turns, PiecesRunInOrderAndNotAtOnce) {
  asio::io_context context;
  Turns turns(context);
  std::vector<std::string> ran;
  turns.Add([&] { ran.emplace_back("first"); });
  turns.Add([&] { ran.emplace_back("second"); });
  EXPECT_THAT(ran, ElementsAre());
  EXPECT_FALSE(turns.empty());
  context.run();
  EXPECT_THAT(ran, ElementsAre("first", "second"));
  EXPECT_TRUE(turns.empty());
}

TEST(Turns, WhatHasBecomeReadyGoesBetweenTwoPieces) {
  asio::io_context context{1};
  asio::readable_pipe requests(context);
  asio::writable_pipe client(context);
  asio::connect_pipe(requests, client);
  std::vector<std::string> ran;
  std::string request(1, '\0');
  requests.async_read_some(asio::buffer(request), [&](const boost::system::error_code&, std::size_t) { ran.emplace_back("request"); });
  Turns turns(context);
  turns.Add([&] {
    ran.emplace_back("first");
    asio::write(client, asio::buffer("a", 1));
  });
  for (const char* piece : {"second", "third"}) {
    turns.Add([&ran, piece] { ran.emplace_back(piece); });
  }
  context.run();
  // The second had its place already when the loop found the request; the third goes behind it.
  EXPECT_THAT(ran, ElementsAre("first", "second", "request", "third"));
}

TEST(Turns, APieceMayAddOthers) {
  asio::io_context context;
  Turns turns(context);
  std::vector<std::string> ran;
  turns.Add([&] {
    ran.emplace_back("first");
    turns.Add([&] { ran.emplace_back("added"); });
  });
  turns.Add([&] { ran.emplace_back("second"); });
  context.run();
  EXPECT_THAT(ran, ElementsAre("first", "second", "added"));
}

TEST(Turns, WhatIsLeftAtTheEndIsNotCalled) {
  auto held = std::make_shared<int>(0);
  {
    asio::io_context context;
    Turns turns(context);
    turns.Add([held] { *held = 1; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
}

}  // namespace
}  // namespace webhook
