// Every bound on what a client can make the server do. Tests shorten them; nothing else sets them.
#pragma once

#include <chrono>
#include <cstddef>

namespace webhook {

struct Limits {
  // A handshake is two round trips and 0.4 ms of processor time; the API server itself gives up after 10 s.
  std::chrono::milliseconds handshake{3000};
  // Who has connected and asks nothing: no API server, which connects because it has something to ask.
  std::chrono::milliseconds first_request{5000};
  // Once it had a review answered. The API server closes after 90 s, and must be the first to: a close that crosses a
  // request is a failed admission.
  std::chrono::milliseconds idle{180'000};
  // From a head's first byte to its last; a real one comes in one piece.
  std::chrono::milliseconds head{5000};
  // 16 MiB in 10 s is 13 Mbit/s.
  std::chrono::milliseconds body{10'000};
  // A denial waits for fresher facts. Azure answers a read of one registry well within it, and a person hardly notices.
  std::chrono::milliseconds confirm{1000};
  // Of the caller's `?timeout=`: kept for the second decision, its record and the way back.
  std::chrono::milliseconds confirm_margin{200};
  // For each `write_piece` of an answer. Of a review it is at most some kilobytes: who does not take it has gone. One of the audit API
  // may be 5 MiB: who takes less than 50 KiB a second of it holds memory that others want.
  std::chrono::milliseconds write{10'000};
  // A query of the audit log, with all its waits; replicas that ask each other, and databases, have less time.
  std::chrono::milliseconds audit{10'000};
  // After a last answer, for the client to read it before the socket's end resets it.
  std::chrono::milliseconds linger{1000};
  // From the listener's end to the last thread's.
  std::chrono::milliseconds stop{1500};
  // Of the above: a connection that was made in the last moment may still ask. Who makes one has something to ask, and no client tries
  // again over another what it has sent over a new one.
  std::chrono::milliseconds first_request_at_stop{500};
  // Of the above: queries that have not ended by then are answered without.
  std::chrono::milliseconds stop_queries{1000};
  // How often deadlines are looked at: they are late by at most this.
  std::chrono::milliseconds tick{250};
  // Out of descriptors: accepting at once would fail at once.
  std::chrono::milliseconds accept_backoff{100};
  // A probe or a scrape, from connect to close.
  std::chrono::milliseconds health_request{5000};

  // A head of the API server has some 300 bytes; a bearer token may add some thousands.
  std::size_t head_bytes = 16 * 1024;
  // The API server takes objects of 3 MiB and sends an UPDATE with two of them, as JSON, which may be longer.
  std::size_t body_bytes = 16 * 1024 * 1024;
  // One address holds at most this part of all connections.
  std::size_t address_share = 4;
  // Bodies take at most this part of the memory limit.
  std::size_t bodies_share = 4;
  // Reading one takes up to 14 times its size, when it is made for that: a body is at most this part of the memory limit.
  std::size_t body_share = 32;
  // Larger ones are decided one at a time, so that this is taken once. A pod has 4 KiB.
  std::size_t large_body_bytes = 1024 * 1024;
  std::size_t write_piece = 512 * 1024;
  // Path and query of a request to the audit API: all that a filter may hold, and a cursor.
  std::size_t audit_target_bytes = 8 * 1024;
  // Requests to the audit API under way at a time: each may take 10 MiB while its answer is made, and 5 until it is read.
  std::size_t audit_requests = 8;
  // Probes and scrapers are few.
  std::size_t health_connections = 64;
};

// Waiting to be accepted; the kernel's own bound (somaxconn) is 4,096.
inline constexpr int kBacklog = 1024;

}  // namespace webhook
