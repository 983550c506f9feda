#include "tests/support/fake_azure_server.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "tests/support/http_text.h"

namespace support {
namespace {

constexpr std::chrono::milliseconds kDripPause{20};

void Drip(Peer& peer, std::string_view answer) {
  while (!answer.empty() && peer.Send(answer.substr(0, 1)) && !peer.IsClosedWithin(kDripPause)) {
    answer.remove_prefix(1);
  }
}

// Sends what is left of an answer, after which the connection is over.
void SendBroken(Peer& peer, std::string_view answer, WireFault fault) {
  const std::size_t head = answer.find("\r\n\r\n") + 4;
  switch (fault) {
    case WireFault::kDropBefore:  // without an answer
      return;
    case WireFault::kDropInHead:
      peer.Send(answer.substr(0, head / 2));
      peer.Reset();
      return;
    case WireFault::kDropInBody:
      peer.Send(answer.substr(0, (head + answer.size()) / 2));
      peer.Reset();
      return;
    case WireFault::kHalfBody:
      peer.Send(answer.substr(0, (head + answer.size()) / 2));
      return;
    case WireFault::kDrip:
      Drip(peer, answer);
      return;
  }
}

}  // namespace

void Gate::WaitUntilHeld(int requests) {
  base::MutexLock lock(mutex_);
  while (came_ < requests) {
    changed_.Wait(mutex_);
  }
}

void Gate::Open() {
  base::MutexLock lock(mutex_);
  open_ = true;
  changed_.NotifyAll();
}

void Gate::Pass() {
  base::MutexLock lock(mutex_);
  ++came_;
  changed_.NotifyAll();
  while (!open_) {
    changed_.Wait(mutex_);
  }
}

FakeAzureServer::FakeAzureServer(AzureWorld& world, std::uint16_t port)
    : world_(world),
      ca_(MakeCa("fake Azure CA")),
      leaf_(MakeLeaf(ca_)),
      azure_(
          [this](Peer& peer, int) {
            if (peer.StartTls(leaf_)) {
              Serve(peer, "https");
            }
          },
          port),
      machine_([this](Peer& peer, int) { Serve(peer, "http"); }) {}

FakeAzureServer::~FakeAzureServer() {
  base::MutexLock lock(mutex_);
  for (const auto& gate : gates_) {
    gate->Open();
  }
}

std::shared_ptr<Gate> FakeAzureServer::Hold(AzureCalls calls) {
  auto gate = std::make_shared<Gate>();
  base::MutexLock lock(mutex_);
  gates_.push_back(gate);
  holds_.Add(std::move(calls), gate);
  return gate;
}

void FakeAzureServer::Serve(Peer& peer, std::string_view scheme) {
  for (std::string text = peer.ReadRequest(); !text.empty(); text = peer.ReadRequest()) {
    const http::Request request = ReadHttpRequest(text, scheme);
    const AzureCall call = ReadAzureCall(request);
    if (const auto gate = holds_.Take(call)) {
      (*gate)->Pass();
    }
    const auto fault = faults_.Take(call);
    if (fault == WireFault::kDropBefore) {
      peer.Reset();
      return;
    }
    const std::string answer = WriteHttpResponse(world_.Answer(request));
    if (fault) {
      SendBroken(peer, answer, *fault);
      return;
    }
    if (!peer.Send(answer)) {
      return;
    }
  }
}

}  // namespace support
