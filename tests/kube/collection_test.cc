#include "kube/collection.h"

#include <gtest/gtest.h>

namespace kube {
namespace {

TEST(Collection, MakesThePathsOfTheApi) {
  EXPECT_EQ(PathOf(Secrets("acr")), "/api/v1/namespaces/acr/secrets");
  EXPECT_EQ(PathOf(Secrets("acr"), "acr-admission.tls"), "/api/v1/namespaces/acr/secrets/acr-admission.tls");
  const Collection webhooks = {"admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", ""};
  EXPECT_EQ(PathOf(webhooks, "acr-admission"), "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/acr-admission");
  EXPECT_EQ(PathOf({"", "v1", "pods", ""}), "/api/v1/pods");
  EXPECT_EQ(PathOf({"rbac.authorization.k8s.io", "v1", "clusterroles", ""}, "system:Node"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3ANode");
}

TEST(Collection, NoNameLeadsElsewhere) {
  for (const std::string name : {"", ".", "..", "a/b", "a%2Fb", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_FALSE(PathOf(Secrets("acr"), name)) << name;
  }
  EXPECT_FALSE(PathOf(Secrets("acr"), std::string(254, 'a')));
  for (const std::string name : {"..", "a/b", "a.b", "A", "-a", "a-", "a b", "a?"}) {
    EXPECT_FALSE(PathOf(Secrets(name))) << name;
  }
  for (const Collection& collection :
       {Collection{"../x", "v1", "pods", ""}, Collection{"", "", "pods", ""}, Collection{"", "v1/x", "pods", ""},
        Collection{"", "v1", "", ""}, Collection{"", "v1", "pods?watch=1", ""}, Collection{"", "v1", "Pods", ""}}) {
    const auto path = PathOf(collection);
    ASSERT_FALSE(path) << *path;
    EXPECT_EQ(path.error().code, base::ErrorCode::kInvalidArgument);
  }
}

TEST(Collection, ReadsAsPeopleSayIt) {
  EXPECT_EQ(Describe(Secrets("acr")), "secrets in namespace acr");
  EXPECT_EQ(Describe({"events.k8s.io", "v1", "events", ""}), "events.events.k8s.io");
}

TEST(Collection, KnowsSubdomainNames) {
  for (const char* name : {"a", "acr-admission", "acr.last-good", "0"}) {
    EXPECT_TRUE(IsSubdomainName(name)) << name;
  }
  for (const char* name : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a-.b", "A", "a_b", "a/b"}) {
    EXPECT_FALSE(IsSubdomainName(name)) << name;
  }
  EXPECT_TRUE(IsSubdomainName(std::string(253, 'a')));
  EXPECT_FALSE(IsSubdomainName(std::string(254, 'a')));
}

}  // namespace
}  // namespace kube
