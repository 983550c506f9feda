#include "http/network_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <thread>

#include "base/file.h"
#include "tests/support/fake_clock.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test_certificates.h"

namespace http {
namespace {

using std::chrono::milliseconds;
using support::Answer;
using support::LoopbackServer;
using support::Peer;
using support::TestCertificate;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// Long enough to say nothing about the machine: tests that end by it are broken.
constexpr milliseconds kAmple = std::chrono::seconds(60);
// Time enough to get into the phase whose end is awaited.
constexpr milliseconds kShort = milliseconds(500);

// Two authorities, made once: keys cost time.
struct Authorities {
  TestCertificate trusted = support::MakeCa("trusted");
  TestCertificate unknown = support::MakeCa("unknown");
  TestCertificate leaf = support::MakeLeaf(trusted);
};

const Authorities& Certificates() {
  static const Authorities kAuthorities;
  return kAuthorities;
}

class NetworkClientTest : public testing::Test {
 protected:
  NetworkClientTest() {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    options_.version = "1.2.3";
    options_.tls.ca_file = testing::TempDir() + "/http_client_" + name + ".pem";
    options_.tls.system = SystemTrust::kNotUsed;
    EXPECT_TRUE(base::WriteFileAtomically(options_.tls.ca_file, Certificates().trusted.certificate_pem));
    // Every name is this machine, but what is told otherwise.
    options_.lookup = [](const std::string&) -> base::Result<std::vector<std::string>> { return std::vector<std::string>{"127.0.0.1"}; };
  }

  NetworkClient& client() {
    if (!client_) {
      auto created = NetworkClient::Create(options_, clock_);
      EXPECT_TRUE(created) << created.error().message;
      client_ = *std::move(created);
    }
    return *client_;
  }

  static Request Get(std::string url) {
    Request request;
    request.url = std::move(url);
    request.deadline = kAmple;
    return request;
  }

  static Request Post(std::string url, std::string body) {
    Request request = Get(std::move(url));
    request.method = "POST";
    request.body = std::move(body);
    return request;
  }

  // The error of a GET whose answer is `raw`, after which the server closes.
  std::string ErrorOf(const std::string& raw, std::size_t max_body = std::size_t{1} << 20) {
    const LoopbackServer server([&](Peer& peer, int) {
      peer.ReadRequest();
      peer.Send(raw);
    });
    Request request = Get(server.Url("http"));
    request.max_response_bytes = max_body;
    const auto response = client().Send(request);
    return response ? "answered " + std::to_string(response->status) : response.error().message;
  }

  // Its body, or why there is none.
  static std::string BodyOf(const base::Result<Response>& response) { return response ? response->body : response.error().message; }

  std::string BodyOf(const std::string& raw) {
    const LoopbackServer server([&](Peer& peer, int) {
      peer.ReadRequest();
      peer.Send(raw);
    });
    return BodyOf(client().Send(Get(server.Url("http"))));
  }

  support::FakeClock clock_;
  NetworkClientOptions options_;
  std::unique_ptr<NetworkClient> client_;
};

void ServeOk(Peer& peer) {
  while (!peer.ReadRequest().empty() && peer.Send(Answer(200, "ok"))) {
  }
}

void ServeOkOverTls(Peer& peer, const TestCertificate& certificate) {
  if (peer.StartTls(certificate)) {
    ServeOk(peer);
  }
}

// ---- what goes out

TEST_F(NetworkClientTest, SendsTheRequestAsItShouldLook) {
  std::string seen;
  const LoopbackServer server([&](Peer& peer, int) {
    seen = peer.ReadRequest();
    peer.Send(Answer(201, "made", "X-Id: 7\r\nx-id: 8\r\n"));
  });
  Request request = Post(server.Url("http", "/a?b=c"), "body");
  request.headers = {{"Authorization", "Bearer t"}, {"Content-Type", "application/json"}};
  const auto response = client().Send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "made");
  EXPECT_EQ(response->Header("X-ID"), "7");
  EXPECT_EQ(response->Header("absent"), "");
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(seen, "POST /a?b=c HTTP/1.1\r\nHost: " + host +
                      "\r\nUser-Agent: acr-admission/1.2.3\r\nAccept-Encoding: identity\r\nAuthorization: Bearer t\r\n"
                      "Content-Type: application/json\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_F(NetworkClientTest, RefusesWhatMustNotGoOut) {
  const LoopbackServer server([](Peer& peer, int) { ServeOk(peer); });
  std::vector<Request> requests;
  for (const char* value : {"secret\r\nX-Injected: 1", "secret\n", "secret\r", "secret\x01", "secret\x7f"}) {
    requests.push_back(Get(server.Url("http")));
    requests.back().headers = {{"Authorization", value}};
  }
  requests.push_back(Get(server.Url("http")));
  requests.back().headers = {{"X-A", std::string("secret\0", 7)}};
  for (const char* name : {"", "X A", "X:", "X\r\nY", "host", "Content-Length", "Transfer-Encoding", "Proxy-Authorization"}) {
    requests.push_back(Get(server.Url("http")));
    requests.back().headers = {{name, "secret"}};
  }
  for (const char* method : {"", "GET /secret", "GET\r\n", "CONNECT"}) {
    requests.push_back(Get(server.Url("http")));
    requests.back().method = method;
  }
  for (const char* target : {"/a secret", "/\r\nHost: secret", "/secret#f"}) {
    requests.push_back(Get(server.Url("http", target)));
  }
  for (const Request& request : requests) {
    const auto response = client().Send(request);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_THAT(response.error().ToString(), Not(HasSubstr("secret")));
  }
  EXPECT_EQ(server.connections(), 0);
}

// ---- what comes back

TEST_F(NetworkClientTest, ReadsEveryFormOfBody) {
  EXPECT_EQ(BodyOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"), "abcde");
  EXPECT_EQ(BodyOf("HTTP/1.1 200 OK\r\n\r\nuntil the end"), "until the end");
  EXPECT_EQ(BodyOf("HTTP/1.0 200 \r\nContent-Length: 3\r\n\r\nold"), "old");
  EXPECT_EQ(BodyOf("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\nx"), "x");
  EXPECT_EQ(BodyOf("HTTP/1.1 204 No Content\r\n\r\n"), "");
  EXPECT_EQ(BodyOf("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + Answer(200, "late")), "late");
}

TEST_F(NetworkClientTest, ASinkGetsTheBodyAsItComesAndMayEndIt) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Id: 7\r\n\r\n3\r\nabc\r\n");
    peer.WaitForClose();  // the end never comes
  });
  std::string seen;
  Request request = Get(server.Url("http"));
  request.sink = [&](std::string_view piece) {
    seen += piece;
    return seen != "abc";
  };
  const auto response = client().Send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(seen, "abc");
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->Header("X-Id"), "7");
}

TEST_F(NetworkClientTest, ASinkTakesMoreThanABodyMayHold) {
  const std::string big(std::size_t{1} << 20, 'x');
  const LoopbackServer server([&](Peer& peer, int) {
    while (!peer.ReadRequest().empty() && peer.Send(Answer(200, big))) {
    }
  });
  Request request = Get(server.Url("http"));
  request.max_response_bytes = 10;
  for (int i = 0; i < 2; ++i) {
    std::size_t bytes = 0;
    request.sink = [&](std::string_view piece) {
      bytes += piece.size();
      return true;
    };
    const auto response = client().Send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(bytes, big.size());
  }
  EXPECT_EQ(server.connections(), 1);  // one that was read to its end is kept
}

TEST_F(NetworkClientTest, ASinkGetsChunksHoweverTheyAreCut) {
  // Chunks of every size around those of reads and of TLS records, sent in pieces that end anywhere.
  std::string sent = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string body;
  char digits[16];
  for (int i = 0; i < 2'000; ++i) {
    const std::string chunk(1 + static_cast<std::size_t>(i * 37 % 3'000), static_cast<char>('a' + i % 26));
    std::snprintf(digits, sizeof digits, "%zx", chunk.size());
    sent += std::string(digits) + "\r\n" + chunk + "\r\n";
    body += chunk;
  }
  sent += "0\r\n\r\n";
  const LoopbackServer server([&](Peer& peer, int) {
    peer.ReadRequest();
    for (std::size_t at = 0, i = 0; at < sent.size(); ++i) {
      const std::size_t piece = 1 + i * 7'919 % 40'000;
      peer.Send(std::string_view(sent).substr(at, piece));
      at += piece;
    }
  });
  std::string seen;
  Request request = Get(server.Url("http"));
  request.sink = [&](std::string_view piece) {
    seen += piece;
    return true;
  };
  const auto response = client().Send(request);
  ASSERT_TRUE(response) << response.error().message << " after " << seen.size();
  EXPECT_EQ(seen, body);
}

TEST_F(NetworkClientTest, ASinkGetsAStreamOverTls) {
  const auto chunk_of = [](int i) {
    return std::string(4'000 + static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26)) + "\n";
  };
  const LoopbackServer server([&](Peer& peer, int) {
    if (!peer.StartTls(Certificates().leaf)) {
      return;
    }
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    char digits[16];
    for (int i = 0; i < 1'000; ++i) {
      const std::string chunk = chunk_of(i);
      std::snprintf(digits, sizeof digits, "%zx", chunk.size());
      // Each a record of its own, and so read by itself: as Go's server sends what it flushes.
      peer.Send(std::string(digits) + "\r\n");
      peer.Send(chunk);
      peer.Send("\r\n");
    }
    peer.Send("0\r\n\r\n");
  });
  std::string body;
  for (int i = 0; i < 1'000; ++i) {
    body += chunk_of(i);
  }
  std::string seen;
  Request request = Get(server.Url("https", "/", "localhost"));
  request.sink = [&](std::string_view piece) {
    seen += piece;
    return true;
  };
  const auto response = client().Send(request);
  ASSERT_TRUE(response) << response.error().message << " after " << seen.size();
  EXPECT_EQ(seen, body);
}

TEST_F(NetworkClientTest, ASinkGetsNothingOfARefusal) {
  const auto answer_to = [&](const std::string& raw) {
    const LoopbackServer server([&](Peer& peer, int) {
      peer.ReadRequest();
      peer.Send(raw);
    });
    Request request = Get(server.Url("http"));
    request.max_response_bytes = 10;
    request.sink = [](std::string_view) {
      ADD_FAILURE() << "called";
      return true;
    };
    const auto response = client().Send(request);
    return response ? std::to_string(response->status) + response->body : response.error().message;
  };
  EXPECT_EQ(answer_to(Answer(410, "expired")), "410expired");
  EXPECT_THAT(answer_to(Answer(410, "much too long")), HasSubstr("larger than 10 bytes"));
  EXPECT_THAT(answer_to(Answer(200, "x", "Content-Encoding: gzip\r\n")), HasSubstr("compressed"));
  EXPECT_EQ(answer_to(Answer(200, "")), "200");
}

TEST_F(NetworkClientTest, AnswerToHeadHasNoBody) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    peer.WaitForClose();
  });
  Request request = Get(server.Url("http"));
  request.method = "HEAD";
  const auto response = client().Send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "");
  EXPECT_EQ(response->Header("Content-Length"), "1000000000");
}

TEST_F(NetworkClientTest, ErrorStatusesAndRedirectsAreAnswers) {
  std::atomic<int> requests = 0;
  const LoopbackServer server([&](Peer& peer, int) {
    while (!peer.ReadRequest().empty()) {
      peer.Send(++requests == 1 ? Answer(302, "", "Location: /elsewhere\r\n") : Answer(503, "busy", "Retry-After: 1\r\n"));
    }
  });
  const auto redirect = client().Send(Get(server.Url("http")));
  ASSERT_TRUE(redirect) << redirect.error().message;
  EXPECT_EQ(redirect->status, 302);
  EXPECT_EQ(redirect->Header("location"), "/elsewhere");
  EXPECT_EQ(requests, 1);
  const auto busy = client().Send(Get(server.Url("http")));
  ASSERT_TRUE(busy) << busy.error().message;
  EXPECT_EQ(busy->status, 503);
  EXPECT_EQ(busy->body, "busy");
}

TEST_F(NetworkClientTest, BodyIsBoundedWhileItIsRead) {
  const std::string too_large = "reading the answer: its body is larger than 1000 bytes";
  EXPECT_THAT(ErrorOf(Answer(200, std::string(1001, 'x')), 1000), EndsWith(too_large));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", 1000), EndsWith(too_large));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'), 1000), EndsWith(too_large));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 1000), EndsWith(too_large));
  EXPECT_THAT(ErrorOf(Answer(200, std::string(1000, 'x')), 1000), "answered 200");
}

TEST_F(NetworkClientTest, EndlessChunksEnd) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    peer.SendUntilClosed("400\r\n" + std::string(1024, 'x') + "\r\n");
  });
  const auto response = client().Send(Get(server.Url("http")));
  ASSERT_FALSE(response);
  EXPECT_THAT(response.error().message, EndsWith("its body is larger than 16777216 bytes"));
}

TEST_F(NetworkClientTest, HeadIsBounded) {
  const std::string too_large = "reading the answer: its head is larger than 32768 bytes";
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 " + std::string(1'000'000, 'a')), EndsWith(too_large));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nX-A: " + std::string(1'000'000, 'a')), EndsWith(too_large));
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 10'000; ++i) {
    many += "X-A: b\r\n";
  }
  EXPECT_THAT(ErrorOf(many), EndsWith(too_large));
}

TEST_F(NetworkClientTest, HalfAnAnswerIsNone) {
  const std::string ended = "reading the answer: the peer closed the connection before its end";
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), EndsWith(ended));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nContent-Le"), EndsWith(ended));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), EndsWith(ended));
  EXPECT_THAT(ErrorOf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), EndsWith(ended));
  EXPECT_THAT(ErrorOf(""), EndsWith("reading the answer: the peer closed the connection instead"));
}

TEST_F(NetworkClientTest, NonsenseIsNoAnswer) {
  for (const std::string raw :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\na", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 200 OK\r\nX: a\x01b\r\n\r\n"}) {
    EXPECT_THAT(ErrorOf(raw), HasSubstr("reading the answer: it is not HTTP/1.1")) << raw;
  }
}

TEST_F(NetworkClientTest, CompressedBodyIsRefused) {
  for (const char* coding : {"gzip", "br", "deflate", "x-unknown"}) {
    EXPECT_THAT(ErrorOf(Answer(200, "\x1f\x8b", "Content-Encoding: " + std::string(coding) + "\r\n")),
                EndsWith("its body is compressed, though no compression was offered"));
  }
}

TEST_F(NetworkClientTest, EndlessInterimAnswersEnd) {
  std::string interim;
  for (int i = 0; i < 20; ++i) {
    interim += "HTTP/1.1 102 Processing\r\n\r\n";
  }
  EXPECT_THAT(ErrorOf(interim + Answer(200, "")), EndsWith("interim answers, and never the final one"));
  EXPECT_THAT(ErrorOf("HTTP/1.1 101 Switching\r\n\r\n" + Answer(200, "")), EndsWith("interim answers, and never the final one"));
}

// ---- time

TEST_F(NetworkClientTest, DeadlineEndsADrippingAnswer) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Send("HTTP/1.1 200 OK\r\n\r\n");
    peer.SendUntilClosed("x");  // never the end, and never silent for long
  });
  Request request = Get(server.Url("http"));
  request.deadline = kShort;
  request.max_response_bytes = std::size_t{1} << 40;
  const auto response = client().Send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, base::ErrorCode::kUnavailable);
  EXPECT_THAT(response.error().message, EndsWith("reading the answer: timed out"));
}

TEST_F(NetworkClientTest, DeadlineEndsEachPhase) {
  const auto error = [&](const LoopbackServer::Handler& handler, std::string_view scheme, std::string body) {
    const LoopbackServer server(handler);
    Request request = Post(server.Url(scheme), std::move(body));
    request.deadline = kShort;
    const auto response = client().Send(request);
    return response ? "answered" : response.error().message;
  };
  EXPECT_THAT(error([](Peer& peer, int) { peer.WaitForClose(); }, "http", ""), EndsWith("reading the answer: timed out"));
  EXPECT_THAT(error([](Peer& peer, int) { peer.WaitForClose(); }, "https", ""), EndsWith("TLS handshake with 127.0.0.1: timed out"));
  std::promise<void> done;
  const auto unread = [gate = done.get_future().share()](Peer&, int) { gate.wait(); };
  {
    // A peer that does not read: the kernel's buffers take some megabytes and no more.
    const LoopbackServer server(unread);
    Request request = Post(server.Url("http"), std::string(std::size_t{32} << 20, 'x'));
    request.deadline = kShort;
    const auto response = client().Send(request);
    done.set_value();
    ASSERT_FALSE(response);
    EXPECT_THAT(response.error().message, EndsWith("sending the request: timed out"));
  }
}

TEST_F(NetworkClientTest, DeadlineCoversNameResolution) {
  std::promise<void> gate;
  options_.lookup = [open = gate.get_future().share()](const std::string&) -> base::Result<std::vector<std::string>> {
    open.wait();
    return std::vector<std::string>{"127.0.0.1"};
  };
  Request request = Get("https://management.azure.com/subscriptions");
  request.deadline = milliseconds(1);
  const auto response = client().Send(request);
  client_.reset();  // the look-up outlives the client
  gate.set_value();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message, "GET https://management.azure.com: resolving the name management.azure.com: timed out");
}

TEST_F(NetworkClientTest, DeadlineOverBeforeItBegins) {
  const LoopbackServer server([](Peer& peer, int) { ServeOk(peer); });
  Request request = Get(server.Url("http"));
  request.deadline = milliseconds(-5);
  EXPECT_FALSE(client().Send(request));
}

TEST_F(NetworkClientTest, StopEndsWhatRunsAndWhatComes) {
  std::promise<void> asked;
  const LoopbackServer server([&](Peer& peer, int) {
    peer.ReadRequest();
    asked.set_value();
    peer.WaitForClose();
  });
  NetworkClient& running = client();
  auto response = std::async(std::launch::async, [&] { return running.Send(Get(server.Url("http"))); });
  asked.get_future().wait();
  running.Stop();
  EXPECT_THAT(response.get().error().message, EndsWith("reading the answer: stopped"));
  EXPECT_THAT(running.Send(Get(server.Url("http"))).error().message, EndsWith("stopped"));
}

// ---- connections

TEST_F(NetworkClientTest, DeadPortIsNamed) {
  std::uint16_t port = 0;
  {
    const LoopbackServer server([](Peer&, int) {});
    port = server.port();
  }
  const std::string origin = "http://127.0.0.1:" + std::to_string(port);
  const auto response = client().Send(Get(origin + "/secret?token=secret"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, base::ErrorCode::kUnavailable);
  EXPECT_EQ(response.error().message, "GET " + origin + ": connecting to 127.0.0.1 port " + std::to_string(port) + ": Connection refused");
}

TEST_F(NetworkClientTest, TriesTheNextAddress) {
  options_.lookup = [](const std::string&) -> base::Result<std::vector<std::string>> {
    return std::vector<std::string>{"127.0.0.2", "::1", "127.0.0.1"};  // the server listens on the last alone
  };
  const LoopbackServer server([](Peer& peer, int) { ServeOk(peer); });
  const auto response = client().Send(Get(server.Url("http", "/", "several.example")));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "ok");
}

TEST_F(NetworkClientTest, KeepsConnectionsForTheNextRequest) {
  const LoopbackServer server([](Peer& peer, int) { ServeOkOverTls(peer, Certificates().leaf); });
  for (int i = 0; i < 5; ++i) {
    const auto response = client().Send(Get(server.Url("https")));
    ASSERT_TRUE(response) << response.error().message;
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(NetworkClientTest, KeepsNoneThatTheServerWillClose) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Send(Answer(200, "ok", "Connection: close\r\n"));
    peer.WaitForClose();
  });
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client().Send(Get(server.Url("http"))));
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST_F(NetworkClientTest, KeepsNoneThatSentMoreThanItsAnswer) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Send(Answer(200, "ok") + Answer(200, "for somebody else"));
    peer.WaitForClose();
  });
  EXPECT_EQ(BodyOf(client().Send(Get(server.Url("http")))), "ok");
  EXPECT_EQ(BodyOf(client().Send(Get(server.Url("http")))), "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(NetworkClientTest, ClosesConnectionsThatWereIdleTooLong) {
  const LoopbackServer server([](Peer& peer, int) { ServeOk(peer); });
  ASSERT_TRUE(client().Send(Get(server.Url("http"))));
  clock_.Advance(kMaxIdleTime);
  ASSERT_TRUE(client().Send(Get(server.Url("http"))));
  EXPECT_EQ(server.connections(), 1);
  clock_.Advance(kMaxIdleTime + milliseconds(1));
  ASSERT_TRUE(client().Send(Get(server.Url("http"))));
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(NetworkClientTest, IdleConnectionsAreCapped) {
  constexpr int kAtOnce = static_cast<int>(kMaxIdlePerRoute) + 4;
  std::promise<void> all_asked;
  std::shared_future<void> answer = all_asked.get_future().share();
  std::atomic<int> asked = 0;
  std::atomic<int> closed = 0;
  {
    const LoopbackServer server([&](Peer& peer, int) {
      peer.ReadRequest();
      if (++asked == kAtOnce) {
        all_asked.set_value();
      }
      answer.wait();
      peer.Send(Answer(200, "ok"));
      if (peer.ReadRequest().empty()) {
        ++closed;
      }
    });
    NetworkClient& shared = client();
    std::vector<std::thread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&] { EXPECT_TRUE(shared.Send(Get(server.Url("http")))); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    while (closed < 4) {  // ends, or the test does by its limit
      std::this_thread::yield();
    }
    EXPECT_EQ(closed, 4);
  }
}

TEST_F(NetworkClientTest, ClosedConnectionIsNotUsedAgain) {
  for (const bool tls : {false, true}) {
    const LoopbackServer server([&](Peer& peer, int connection) {
      if (tls && !peer.StartTls(Certificates().leaf)) {
        return;
      }
      peer.ReadRequest();
      peer.Send(Answer(200, "ok"));
      if (connection > 0) {
        peer.WaitForClose();
      }
    });
    ASSERT_TRUE(client().Send(Get(server.Url(tls ? "https" : "http"))));
    ASSERT_TRUE(client().Send(Get(server.Url(tls ? "https" : "http")))) << "GET is sent again on a new connection";
    EXPECT_EQ(server.connections(), 2);
  }
}

// The server reads a second request on a kept connection and resets it: the race between a request and an idle time-out.
TEST_F(NetworkClientTest, StaleConnectionIsRetriedOnceAndOnlyWhatMayBeSentTwice) {
  std::atomic<int> requests = 0;
  const auto handler = [&](Peer& peer, int) {
    peer.ReadRequest();
    ++requests;
    peer.Send(Answer(200, "ok"));
    if (!peer.ReadRequest().empty()) {
      ++requests;
      peer.Reset();
    }
  };
  {
    const LoopbackServer server(handler);
    ASSERT_TRUE(client().Send(Get(server.Url("http"))));
    const auto again = client().Send(Get(server.Url("http")));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(server.connections(), 2);
    EXPECT_EQ(requests, 3);
  }
  requests = 0;
  {
    const LoopbackServer server(handler);
    ASSERT_TRUE(client().Send(Post(server.Url("http"), "a")));
    EXPECT_FALSE(client().Send(Post(server.Url("http"), "b")));
    EXPECT_EQ(server.connections(), 1);
    EXPECT_EQ(requests, 2);
  }
}

// The process does not ignore SIGPIPE here.
TEST_F(NetworkClientTest, PeerThatGoesWhileItIsSentToIsAnErrorAndNoSignal) {
  for (const bool tls : {false, true}) {
    const LoopbackServer server([&](Peer& peer, int) {
      if (!tls || peer.StartTls(Certificates().leaf)) {
        peer.Reset();
      }
    });
    EXPECT_FALSE(client().Send(Post(server.Url(tls ? "https" : "http"), std::string(std::size_t{32} << 20, 'x'))));
  }
}

TEST_F(NetworkClientTest, FreshConnectionThatFailsIsNotRetried) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.ReadRequest();
    peer.Reset();
  });
  EXPECT_FALSE(client().Send(Get(server.Url("http"))));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(NetworkClientTest, AnswerThatBeganIsNotAskedForAgain) {
  std::atomic<int> requests = 0;
  const LoopbackServer server([&](Peer& peer, int) {
    while (!peer.ReadRequest().empty()) {
      if (++requests == 1) {
        peer.Send(Answer(200, "ok"));
      } else {
        peer.Send("HTTP/1.1 200 OK\r\n");
        return;
      }
    }
  });
  ASSERT_TRUE(client().Send(Get(server.Url("http"))));
  EXPECT_FALSE(client().Send(Get(server.Url("http"))));
  EXPECT_EQ(requests, 2);
}

TEST_F(NetworkClientTest, EightThreadsShareItAndNoAnswerGoesAstray) {
  const LoopbackServer server([](Peer& peer, int) {
    if (!peer.StartTls(Certificates().leaf)) {
      return;
    }
    for (int i = 0; i < 7; ++i) {  // then it closes, as servers do
      const std::string request = peer.ReadRequest();
      if (request.empty() || !peer.Send(Answer(200, request.substr(0, request.find(" HTTP"))))) {
        return;
      }
    }
  });
  NetworkClient& shared = client();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 25; ++i) {
        const std::string target = "/" + std::to_string(thread) + "/" + std::to_string(i);
        const auto response = shared.Send(Get(server.Url("https", target)));
        ASSERT_TRUE(response) << response.error().message;
        EXPECT_EQ(response->body, "GET " + target);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

// ---- TLS

TEST_F(NetworkClientTest, CertificateMustNameTheHost) {
  support::CertificateOptions other;
  other.common_name = "management.azure.com";  // counts for nothing beside alternative names, or without them
  other.dns = {"other.azure.com", "*.wild.azure.com", "par*.azure.com"};
  const TestCertificate certificate = support::MakeLeaf(Certificates().trusted, other);
  const LoopbackServer server([&](Peer& peer, int) { ServeOkOverTls(peer, certificate); });
  for (const char* host : {"management.azure.com", "127.0.0.1", "a.b.wild.azure.com", "wild.azure.com", "partial.azure.com"}) {
    const auto response = client().Send(Get(server.Url("https", "/", host)));
    ASSERT_FALSE(response) << host;
    EXPECT_THAT(response.error().message, HasSubstr("TLS handshake with " + std::string(host) + ": its certificate is refused: "));
    EXPECT_THAT(response.error().message, HasSubstr("mismatch"));
  }
  for (const char* host : {"other.azure.com", "OTHER.azure.com", "a.wild.azure.com"}) {
    const auto response = client().Send(Get(server.Url("https", "/", host)));
    EXPECT_TRUE(response) << response.error().message;
  }
}

TEST_F(NetworkClientTest, CommonNameAloneCountsForNothing) {
  support::CertificateOptions bare;
  bare.common_name = "management.azure.com";
  const TestCertificate certificate = support::MakeLeaf(Certificates().trusted, bare);
  const LoopbackServer server([&](Peer& peer, int) { ServeOkOverTls(peer, certificate); });
  EXPECT_FALSE(client().Send(Get(server.Url("https", "/", "management.azure.com"))));
}

TEST_F(NetworkClientTest, UnknownOrExpiredCertificatesAreRefusedBeforeAnythingIsSent) {
  support::CertificateOptions expired = support::ForLoopback();
  expired.not_before = -std::chrono::hours(48);
  expired.not_after = -std::chrono::hours(24);
  for (const TestCertificate& certificate :
       {support::MakeLeaf(Certificates().unknown), support::MakeSelfSigned(), support::MakeLeaf(Certificates().trusted, expired)}) {
    std::atomic<bool> accepted = false;
    {
      const LoopbackServer server([&](Peer& peer, int) { accepted = peer.StartTls(certificate) && !peer.ReadRequest().empty(); });
      const auto response = client().Send(Get(server.Url("https")));
      ASSERT_FALSE(response);
      EXPECT_THAT(response.error().message, HasSubstr("its certificate is refused"));
      EXPECT_THAT(response.error().remedy, HasSubstr("CA file"));
    }
    EXPECT_FALSE(accepted);
  }
}

TEST_F(NetworkClientTest, SystemTrustDoesNotKnowOurAuthority) {
  options_.tls.ca_file = "";
  options_.tls.system = SystemTrust::kUsed;
  const LoopbackServer server([](Peer& peer, int) { ServeOkOverTls(peer, Certificates().leaf); });
  EXPECT_THAT(client().Send(Get(server.Url("https"))).error().message, HasSubstr("its certificate is refused"));
}

TEST_F(NetworkClientTest, CaFileIsTrustedBesideTheSystemAndReadAgain) {
  options_.tls.system = SystemTrust::kUsed;
  ASSERT_TRUE(base::WriteFileAtomically(options_.tls.ca_file, Certificates().unknown.certificate_pem));
  const LoopbackServer server([](Peer& peer, int) { ServeOkOverTls(peer, Certificates().leaf); });
  EXPECT_FALSE(client().Send(Get(server.Url("https"))));
  ASSERT_TRUE(
      base::WriteFileAtomically(options_.tls.ca_file, Certificates().unknown.certificate_pem + Certificates().trusted.certificate_pem));
  const auto response = client().Send(Get(server.Url("https")));
  EXPECT_TRUE(response) << response.error().message;
}

TEST_F(NetworkClientTest, AuthorityFromMemoryIsTrusted) {
  options_.tls = {.ca_pem = Certificates().trusted.certificate_pem, .system = SystemTrust::kNotUsed};
  const LoopbackServer server([](Peer& peer, int) { ServeOkOverTls(peer, Certificates().leaf); });
  EXPECT_EQ(BodyOf(client().Send(Get(server.Url("https")))), "ok");
}

TEST_F(NetworkClientTest, ShowsItsCertificateToWhoAsksForOne) {
  support::CertificateOptions named;
  named.common_name = "system:admin";
  const TestCertificate own = support::MakeLeaf(Certificates().trusted, named);
  options_.tls.client_certificate_pem = own.certificate_pem;
  options_.tls.client_key_pem = own.key_pem;
  const LoopbackServer server([](Peer& peer, int connection) {
    const std::string ca = connection == 0 ? Certificates().trusted.certificate_pem : Certificates().unknown.certificate_pem;
    if (peer.StartTls(Certificates().leaf, ca)) {
      peer.ReadRequest();
      peer.Send(Answer(200, peer.ClientName()));
    }
  });
  EXPECT_EQ(BodyOf(client().Send(Get(server.Url("https")))), "system:admin");
  EXPECT_FALSE(client().Send(Get(server.Url("https"))));  // of an authority that this server does not know
}

TEST_F(NetworkClientTest, BodyThatTlsDidNotEndIsNone) {
  const LoopbackServer server([](Peer& peer, int) {
    if (peer.StartTls(Certificates().leaf)) {
      peer.ReadRequest();
      peer.Send("HTTP/1.1 200 OK\r\n\r\n{\"value\":[]}");  // until the end, which anybody on the way can bring
      peer.EndWithoutCloseNotify();
    }
  });
  EXPECT_FALSE(client().Send(Get(server.Url("https"))));
}

TEST_F(NetworkClientTest, PlainTextWhereTlsIsExpectedIsAnError) {
  const LoopbackServer server([](Peer& peer, int) {
    peer.Send(Answer(400, "speak TLS? no"));
    peer.WaitForClose();
  });
  EXPECT_THAT(client().Send(Get(server.Url("https"))).error().message, HasSubstr("TLS handshake with 127.0.0.1: TLS failed"));
}

TEST_F(NetworkClientTest, BadOptionsAreErrors) {
  NetworkClientOptions options = options_;
  options.tls.ca_file = "/nonexistent/ca.pem";
  EXPECT_FALSE(NetworkClient::Create(options, clock_));
  options = options_;
  options.tls.client_certificate_pem = "no certificate";
  EXPECT_FALSE(NetworkClient::Create(options, clock_));
  options = options_;
  options.proxy.https_proxy = "socks5://proxy";
  EXPECT_FALSE(NetworkClient::Create(options, clock_));
}

// ---- proxies

TEST_F(NetworkClientTest, HttpsGoesThroughATunnel) {
  support::CertificateOptions named;
  named.dns = {"management.azure.com"};
  const TestCertificate certificate = support::MakeLeaf(Certificates().trusted, named);
  std::string connect;
  std::string inside;
  const LoopbackServer proxy([&](Peer& peer, int) {
    connect = peer.ReadRequest();
    peer.Send("HTTP/1.1 200 Connection established\r\n\r\n");
    if (!peer.StartTls(certificate)) {  // in the target's place
      return;
    }
    for (;;) {
      const std::string request = peer.ReadRequest();
      if (request.empty()) {
        return;
      }
      inside = request;
      peer.Send(Answer(200, "tunnelled"));
    }
  });
  options_.proxy.https_proxy = "http://anna:secret@127.0.0.1:" + std::to_string(proxy.port());
  for (int i = 0; i < 2; ++i) {
    const auto response = client().Send(Get("https://management.azure.com/subscriptions"));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "tunnelled");
  }
  EXPECT_EQ(proxy.connections(), 1);
  EXPECT_EQ(connect,
            "CONNECT management.azure.com:443 HTTP/1.1\r\nHost: management.azure.com:443\r\nUser-Agent: acr-admission/1.2.3\r\n"
            "Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n");
  EXPECT_THAT(inside, StartsWith("GET /subscriptions HTTP/1.1\r\nHost: management.azure.com\r\n"));
  EXPECT_THAT(inside, Not(HasSubstr("Proxy-Authorization"))) << "the proxy's password is not the target's business";
}

TEST_F(NetworkClientTest, HttpIsAskedOfTheProxyItself) {
  std::string seen;
  const LoopbackServer proxy([&](Peer& peer, int) {
    seen = peer.ReadRequest();
    peer.Send(Answer(200, "forwarded"));
  });
  options_.proxy.http_proxy = "anna:secret@127.0.0.1:" + std::to_string(proxy.port());
  EXPECT_EQ(BodyOf(client().Send(Get("http://metadata.example:8080/a?b"))), "forwarded");
  EXPECT_THAT(seen, StartsWith("GET http://metadata.example:8080/a?b HTTP/1.1\r\nHost: metadata.example:8080\r\n"));
  EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic YW5uYTpzZWNyZXQ=\r\n"));
}

TEST_F(NetworkClientTest, ProxyThatRefusesIsNamedAndItsAnswerIsNotTheTargets) {
  for (const int status : {403, 407, 502}) {
    const LoopbackServer proxy([&](Peer& peer, int) {
      peer.ReadRequest();
      peer.Send(Answer(status, "secret", "X-A: secret\r\n"));
      peer.WaitForClose();
    });
    options_.proxy.https_proxy = "http://anna:secret@127.0.0.1:" + std::to_string(proxy.port());
    client_.reset();
    const auto response = client().Send(Get("https://management.azure.com/"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().message, "GET https://management.azure.com: proxy 127.0.0.1:" + std::to_string(proxy.port()) +
                                            ": answered CONNECT with status " + std::to_string(status));
    EXPECT_THAT(response.error().ToString(), Not(HasSubstr("secret")));
  }
}

TEST_F(NetworkClientTest, ProxyIsNotUsedWhereItMustNotBe) {
  options_.proxy = {"http://127.0.0.1:1", "http://127.0.0.1:1", "direct.example"};  // nothing listens there
  const LoopbackServer server([](Peer& peer, int) { ServeOk(peer); });
  EXPECT_TRUE(client().Send(Get(server.Url("http")))) << "loopback";
  EXPECT_TRUE(client().Send(Get(server.Url("http", "/", "direct.example")))) << "NO_PROXY";
  Request metadata = Get(server.Url("http", "/", "metadata.example"));
  EXPECT_THAT(client().Send(metadata).error().message, HasSubstr(": proxy: connecting to 127.0.0.1 port 1: "));
  metadata.use_proxy = false;
  EXPECT_TRUE(client().Send(metadata)) << "use_proxy";
}

// ---- secrets

TEST_F(NetworkClientTest, ErrorsHoldNoSecrets) {
  const std::vector<std::string> answers = {"", "HTTP/1.1 200 OK\r\nX: secret\r\nContent-Length: 9\r\n\r\nsecret", "secret\r\n\r\n",
                                            "HTTP/1.1 200 secret\r\nContent-Length: secret\r\n\r\n",
                                            Answer(200, "secret", "Content-Encoding: secret\r\n")};
  for (const std::string& answer : answers) {
    const LoopbackServer server([&](Peer& peer, int) {
      peer.ReadRequest();
      peer.Send(answer);
    });
    Request request = Post(server.Url("http", "/secret?code=secret"), "client_secret=secret");
    request.headers = {{"Authorization", "Bearer secret"}};
    const auto response = client().Send(request);
    ASSERT_FALSE(response);
    EXPECT_THAT(response.error().message, StartsWith("POST http://127.0.0.1:" + std::to_string(server.port()) + ": "));
    EXPECT_THAT(response.error().ToString(), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace http
