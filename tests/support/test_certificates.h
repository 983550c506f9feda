// Certificates made in the process, for tests of TLS: nothing on disk expires, and no private key lies in the tree.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace support {

struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

enum class KeyKind { kP256, kRsa2048, kRsa1024 };

struct CertificateOptions {
  std::string common_name = "acr-admission.test";
  std::vector<std::string> dns;  // subject alternative names; with `ips` empty too there is no such extension
  std::vector<std::string> ips;
  // Relative to the system's clock, which is what a TLS library verifies with.
  std::chrono::seconds not_before = -std::chrono::hours(1);
  std::chrono::seconds not_after = std::chrono::hours(24);
  KeyKind key = KeyKind::kP256;
};

// For localhost, 127.0.0.1 and ::1: what most tests of a server want.
CertificateOptions ForLoopback();

// Each call makes another key and serial number.
TestCertificate MakeCa(const std::string& common_name = "acr-admission test CA");
TestCertificate MakeIntermediate(const TestCertificate& ca, const std::string& common_name = "acr-admission test intermediate");
TestCertificate MakeLeaf(const TestCertificate& ca, const CertificateOptions& options = ForLoopback());
TestCertificate MakeSelfSigned(const CertificateOptions& options = ForLoopback());

}  // namespace support
