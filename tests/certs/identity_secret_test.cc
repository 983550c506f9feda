#include "certs/identity_secret.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace certs {
namespace {

using std::chrono::hours;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::StartsWith;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

IdentitySecret Minimal() {
  IdentitySecret secret;
  secret.authority = MakeAuthority(kNow, hours(24)).value();
  secret.leaf = MakeLeaf(secret.authority, {"acr-admission.acr.svc"}, kNow, hours(1)).value();
  return secret;
}

IdentitySecret Full() {
  IdentitySecret secret = Minimal();
  secret.next = IdentitySecret::Next{MakeAuthority(kNow, hours(24)).value(), kNow - hours(1)};
  secret.retired.certificates = {MakeAuthority(kNow, hours(24))->certificate, MakeAuthority(kNow, hours(24))->certificate};
  secret.retired.since = kNow - hours(2);
  secret.retired.until = kNow + hours(2);
  secret.replicas["a"] = {secret.authority.certificate.fingerprint, kNow};
  secret.replicas["b"] = {secret.retired.certificates[0].fingerprint, kNow - hours(9)};
  secret.others["note"] = "kept";
  return secret;
}

std::string ErrorOf(const Data& data) {
  const auto read = ReadIdentitySecret(data);
  return read ? "no error" : read.error().message;
}

TEST(IdentitySecret, IsReadAsItWasWritten) {
  const IdentitySecret secret = Full();
  const auto read = ReadIdentitySecret(WriteIdentitySecret(secret));
  ASSERT_TRUE(read && *read) << read.error().message;
  EXPECT_EQ((*read)->authority.certificate.pem, secret.authority.certificate.pem);
  EXPECT_EQ((*read)->authority.key_pem, secret.authority.key_pem);
  EXPECT_EQ((*read)->leaf.identity->fingerprint, secret.leaf.identity->fingerprint);
  ASSERT_TRUE((*read)->next);
  EXPECT_EQ((*read)->next->authority.certificate.pem, secret.next->authority.certificate.pem);
  EXPECT_EQ((*read)->next->trusted_since, kNow - hours(1));
  ASSERT_EQ((*read)->retired.certificates.size(), 2U);
  EXPECT_EQ((*read)->retired.certificates[1].pem, secret.retired.certificates[1].pem);
  EXPECT_EQ((*read)->retired.since, kNow - hours(2));
  EXPECT_EQ((*read)->retired.until, kNow + hours(2));
  EXPECT_EQ((*read)->replicas, secret.replicas);
  EXPECT_EQ(WriteIdentitySecret(**read), WriteIdentitySecret(secret));
}

TEST(IdentitySecret, HasOnlyTheKeysThatItNeeds) {
  const Data data = WriteIdentitySecret(Minimal());
  EXPECT_EQ(data.size(), 4U);
  const auto read = ReadIdentitySecret(data);
  ASSERT_TRUE(read && *read);
  EXPECT_FALSE((*read)->next);
  EXPECT_THAT((*read)->retired.certificates, IsEmpty());
}

TEST(IdentitySecret, ThereIsNoneWhereThereIsNoKeyOfOurs) {
  for (const Data& data : {Data{}, Data{{"note", "x"}}}) {
    const auto read = ReadIdentitySecret(data);
    ASSERT_TRUE(read);
    EXPECT_FALSE(*read);
  }
}

TEST(IdentitySecret, NamesTheKeyThatIsWrong) {
  const Data good = WriteIdentitySecret(Full());
  ASSERT_EQ(ErrorOf(good), "no error");
  for (const auto& [key, text] : good) {
    if (key == "note") {
      continue;
    }
    Data bad = good;
    bad[key] = "garbage";
    const std::string group = key.substr(0, key.find('.'));  // a key that does not fit is told of with its certificate
    EXPECT_THAT(ErrorOf(bad), StartsWith(group)) << key;
    EXPECT_THAT(ErrorOf(bad), Not(HasSubstr("PRIVATE"))) << key;
  }
}

TEST(IdentitySecret, IsNeverHalfUsed) {
  const Data good = WriteIdentitySecret(Full());
  for (const char* key :
       {"ca.crt", "ca.key", "tls.crt", "tls.key", "next-ca.crt", "next-ca.key", "retired-ca.crt", "retired-ca.since", "retired-ca.until"}) {
    Data bad = good;
    bad.erase(key);
    EXPECT_NE(ErrorOf(bad), "no error") << "without " << key;
  }
}

TEST(IdentitySecret, RefusesALeafOfAnotherAuthority) {
  Data data = WriteIdentitySecret(Minimal());
  const Data other = WriteIdentitySecret(Minimal());
  data["ca.crt"] = other.at("ca.crt");
  data["ca.key"] = other.at("ca.key");
  EXPECT_EQ(ErrorOf(data), "tls.crt: was not issued by ca.crt");
}

TEST(IdentitySecret, RefusesARetiredCertificateThatIsNoAuthority) {
  Data data = WriteIdentitySecret(Full());
  data["retired-ca.crt"] = data["tls.crt"];
  EXPECT_THAT(ErrorOf(data), HasSubstr("no certificate authority's"));
}

TEST(IdentitySecret, RefusesReplicasOfAnotherShape) {
  for (const char* text : {"[]", "{\"a\": 1}", "{\"a\": {\"authority\": \"x\", \"since\": \"2026-11-23T12:00:00Z\"}}",
                           "{\"a\": {}, \"a\": {}}", "{\"\": {}}"}) {
    Data data = WriteIdentitySecret(Minimal());
    data["replicas"] = text;
    EXPECT_THAT(ErrorOf(data), StartsWith("replicas: ")) << text;
  }
}

TEST(IdentitySecret, TheBundleHoldsEveryAuthorityOnceTheOldestFirst) {
  const IdentitySecret secret = Full();
  const auto bundle = ReadCertificates(BundleOf(secret), 10);
  ASSERT_TRUE(bundle);
  ASSERT_EQ(bundle->size(), 4U);
  EXPECT_EQ(bundle->front().fingerprint, secret.retired.certificates[0].fingerprint);
  EXPECT_EQ((*bundle)[2].fingerprint, secret.authority.certificate.fingerprint);
  EXPECT_THAT(BundleOf(secret), Not(HasSubstr("PRIVATE")));
  EXPECT_THAT(WriteIdentitySecret(secret), Contains(Key("retired-ca.crt")));
}

}  // namespace
}  // namespace certs
