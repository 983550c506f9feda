#include "certs/authority.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "certs/identity.h"
#include "tests/support/test_certificates.h"

namespace certs {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00.5Z").value();
const base::Time kWholeNow = base::ParseTime("2026-11-23T12:00:00Z").value();
constexpr hours kDay{24};

Certificate LeafOf(const Authority& authority, const std::vector<std::string>& names, std::chrono::microseconds validity) {
  const auto leaf = IssueLeaf(authority, names, kNow, validity);
  EXPECT_TRUE(leaf) << leaf.error().ToString();
  return ReadCertificates(leaf->certificate_pem, 1).value().front();
}

TEST(Authority, MaySignLeavesAndNothingElse) {
  const Authority made = MakeAuthority(kNow, 365 * kDay).value();
  X509* x509 = made.certificate.x509.get();
  EXPECT_TRUE(IsAuthority(x509));
  EXPECT_EQ(X509_get_pathlen(x509), 0);
  EXPECT_EQ(X509_get_key_usage(x509), static_cast<std::uint32_t>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  for (const int nid : {NID_basic_constraints, NID_key_usage}) {
    EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(x509, X509_get_ext_by_NID(x509, nid, -1))), 1) << nid;
  }
  EXPECT_NE(X509_get0_subject_key_id(x509), nullptr);
  EXPECT_NE(X509_get0_authority_key_id(x509), nullptr);
  EXPECT_TRUE(IsIssuedBy(x509, x509));
}

TEST(Authority, IsValidFromAnHourAgo) {
  const Authority made = MakeAuthority(kNow, 365 * kDay).value();
  EXPECT_EQ(made.certificate.not_before, kWholeNow - hours(1));
  EXPECT_EQ(made.certificate.not_after, kWholeNow + 365 * kDay);
}

TEST(Authority, TwoOfTheSameMomentAreToldApart) {
  const Authority one = MakeAuthority(kNow, kDay).value();
  const Authority other = MakeAuthority(kNow, kDay).value();
  EXPECT_NE(SubjectOf(one.certificate.x509.get()), SubjectOf(other.certificate.x509.get()));
  EXPECT_FALSE(IsIssuedBy(LeafOf(one, {"a"}, hours(1)).x509.get(), other.certificate.x509.get()));
}

TEST(Authority, IsReadBackFromItsTexts) {
  const Authority made = MakeAuthority(kNow, kDay).value();
  const auto read = ReadAuthority(made.certificate.pem, made.key_pem);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->certificate.fingerprint, made.certificate.fingerprint);
  EXPECT_TRUE(IsIssuedBy(LeafOf(*read, {"a"}, hours(1)).x509.get(), made.certificate.x509.get()));
}

TEST(Authority, RefusesWhatIsNone) {
  const Authority made = MakeAuthority(kNow, kDay).value();
  const Authority other = MakeAuthority(kNow, kDay).value();
  const auto leaf = support::MakeSelfSigned();
  const auto error = [](const std::string& certificate, const std::string& key) { return ReadAuthority(certificate, key).error().message; };
  EXPECT_THAT(error(leaf.certificate_pem, leaf.key_pem), HasSubstr("no certificate authority's"));
  EXPECT_THAT(error(made.certificate.pem, other.key_pem), HasSubstr("the key is not the certificate's"));
  EXPECT_THAT(error(made.certificate.pem + other.certificate.pem, made.key_pem), HasSubstr("more than 1"));
  EXPECT_THAT(error("garbage", made.key_pem), HasSubstr("no PEM certificate"));
  EXPECT_THAT(error(made.certificate.pem, "garbage"), HasSubstr("no PEM private key"));
}

TEST(Leaf, IsForServersOfItsNames) {
  const Authority authority = MakeAuthority(kNow, 365 * kDay).value();
  const Certificate leaf = LeafOf(authority, {"acr-admission.acr.svc", "acr-admission"}, 30 * kDay);
  X509* x509 = leaf.x509.get();
  EXPECT_THAT(DnsNamesOf(x509), ElementsAre("acr-admission.acr.svc", "acr-admission"));
  EXPECT_EQ(SubjectOf(x509), "CN=acr-admission.acr.svc,O=acr-admission");
  EXPECT_EQ(X509_get_extended_key_usage(x509), static_cast<std::uint32_t>(XKU_SSL_SERVER));
  EXPECT_EQ(X509_get_key_usage(x509), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE));
  EXPECT_FALSE(IsAuthority(x509));
  EXPECT_TRUE(IsIssuedBy(x509, authority.certificate.x509.get()));
  EXPECT_EQ(leaf.not_before, kWholeNow - hours(1));
  EXPECT_EQ(leaf.not_after, kWholeNow + 30 * kDay);
}

TEST(Leaf, NeverOutlivesItsAuthority) {
  const Authority authority = MakeAuthority(kNow, kDay).value();
  EXPECT_EQ(LeafOf(authority, {"a"}, 30 * kDay).not_after, authority.certificate.not_after);
}

TEST(Leaf, CarriesANameThatIsTooLongForItsSubject) {
  const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + ".svc";
  const Certificate leaf = LeafOf(MakeAuthority(kNow, kDay).value(), {name}, hours(1));
  EXPECT_THAT(DnsNamesOf(leaf.x509.get()), ElementsAre(name));
}

TEST(Leaf, NeedsAName) { EXPECT_FALSE(IssueLeaf(MakeAuthority(kNow, kDay).value(), {}, kNow, hours(1))); }

TEST(Leaf, IsAnIdentityToServe) {
  const auto leaf = IssueLeaf(MakeAuthority(kNow, kDay).value(), {"a"}, kNow, hours(1)).value();
  EXPECT_TRUE(ParseIdentity(leaf.certificate_pem, leaf.key_pem));
}

TEST(SerialNumbers, AreLongPositiveAndDifferent) {
  const Authority authority = MakeAuthority(kNow, kDay).value();
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) {
    const Certificate leaf = LeafOf(authority, {"a"}, hours(1));
    const ASN1_INTEGER* serial = X509_get0_serialNumber(leaf.x509.get());
    EXPECT_EQ(ASN1_STRING_type(serial), V_ASN1_INTEGER) << "positive";
    ASSERT_EQ(ASN1_STRING_length(serial), 20);
    serials.emplace(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)), 20);
  }
  EXPECT_EQ(serials.size(), 20U);
}

TEST(Renewal, IsAtTwoThirdsOfWhatIsLeftWhenItWasMade) {
  EXPECT_EQ(RenewalOf(kWholeNow - kBackdate, kWholeNow + hours(3)), kWholeNow + hours(2));
}

TEST(Renewal, IsEarlyEnoughForEveryReplicaToSee) {
  EXPECT_EQ(RenewalOf(kWholeNow - kBackdate, kWholeNow + seconds(30)), kWholeNow + seconds(5));
}

}  // namespace
}  // namespace certs
