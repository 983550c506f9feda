#include "kube/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/support/temp_folder.h"

namespace kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class KubeconfigTest : public ::testing::Test {
 protected:
  // A kubeconfig as `kubectl config view` prints it, with these parts of cluster and user.
  base::Result<Config> Load(const std::string& cluster, const std::string& user) {
    return LoadText(
        "apiVersion: v1\nkind: Config\npreferences: {}\nextensions: null\ncurrent-context: here\n"
        "clusters:\n- name: c\n  cluster: {server: \"https://api.example.com:6443\", " +
        cluster +
        "}\n"
        "contexts:\n- name: here\n  context: {cluster: c, user: u, namespace: acr, extensions: []}\n"
        "- name: broken\n  context: {cluster: absent, user: u}\n"
        "users:\n- name: u\n  user: {" +
        user + "}\n");
  }
  base::Result<Config> LoadText(const std::string& text, const std::string& context = "") {
    folder_.Write("config", text);
    return LoadKubeconfig(folder_ / "config", context);
  }
  std::string ErrorOf(const std::string& cluster, const std::string& user) {
    const auto config = Load(cluster, user);
    return config ? "none" : config.error().ToString();
  }

  support::TempFolder folder_;
};

TEST_F(KubeconfigTest, DataAreTakenFromTheFile) {
  const auto config =
      Load("certificate-authority-data: " + base::EncodeBase64("the CA"),
           "client-certificate-data: " + base::EncodeBase64("the certificate") + ", client-key-data: " + base::EncodeBase64("the key"));
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->server, "https://api.example.com:6443");
  EXPECT_EQ(config->namespace_name, "acr");
  EXPECT_EQ(config->ca_pem, "the CA");
  EXPECT_EQ(config->client_certificate_pem, "the certificate");
  EXPECT_EQ(config->client_key_pem, "the key");
  EXPECT_EQ(config->token + config->token_file + config->ca_file, "");
}

TEST_F(KubeconfigTest, FilesAreRelativeToIt) {
  folder_.Write("ca.crt", "the CA");
  folder_.Write("client.crt", "the certificate");
  folder_.Write("client.key", "the key");
  const auto config = Load("certificate-authority: ca.crt", "client-certificate: ./client.crt, client-key: " + folder_ / "client.key" + "");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->ca_pem, "the CA");
  EXPECT_EQ(config->client_certificate_pem, "the certificate");
  EXPECT_EQ(config->client_key_pem, "the key");
  EXPECT_THAT(ErrorOf("certificate-authority: absent.crt", ""), HasSubstr(folder_ / "absent.crt"));
}

TEST_F(KubeconfigTest, TokensAndTheirFiles) {
  const auto config = Load("insecure-skip-tls-verify: false", "token: abc, tokenFile: run/token");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->token, "abc");
  EXPECT_EQ(config->token_file, folder_ / "run/token");
}

TEST_F(KubeconfigTest, JsonIsReadToo) {
  const auto config = LoadText(R"({
	"apiVersion": "v1", "kind": "Config", "current-context": "x",
	"clusters": [{"name": "c", "cluster": {"server": "https://[::1]:6443/k8s/clusters/c-1/"}}],
	"contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
	"users": [{"name": "u", "user": {}}]})");
  ASSERT_TRUE(config) << config.error().ToString();
  EXPECT_EQ(config->server, "https://[::1]:6443/k8s/clusters/c-1");
  EXPECT_EQ(config->namespace_name, "default");
}

TEST_F(KubeconfigTest, AnotherContextCanBeNamed) {
  ASSERT_TRUE(Load("", ""));
  const auto broken = LoadKubeconfig(folder_ / "config", "broken");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("no cluster is called \"absent\""));
  const auto absent = LoadKubeconfig(folder_ / "config", "elsewhere");
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().message, HasSubstr("no context is called \"elsewhere\""));
  EXPECT_TRUE(LoadKubeconfig(folder_ / "config", "here"));
}

TEST_F(KubeconfigTest, WhatWouldChangeTheConnectionIsRefusedAndSaysWhatToDo) {
  EXPECT_THAT(ErrorOf("insecure-skip-tls-verify: true", ""), HasSubstr("would trust whoever answers; give certificate-authority"));
  EXPECT_THAT(ErrorOf("tls-server-name: other", ""), HasSubstr("tls-server-name is not supported"));
  EXPECT_THAT(ErrorOf("proxy-url: \"http://proxy\"", ""), HasSubstr("HTTPS_PROXY"));
  EXPECT_THAT(ErrorOf("", "exec: {command: kubelogin}"), HasSubstr("exec would run a program; give a token file"));
  EXPECT_THAT(ErrorOf("", "auth-provider: {name: azure}"), HasSubstr("auth-provider is not supported; give a token file"));
  EXPECT_THAT(ErrorOf("", "username: admin, password: hush"), HasSubstr("since Kubernetes 1.19"));
  EXPECT_THAT(ErrorOf("", "token: t, as: somebody"), HasSubstr(".as is not supported"));
}

TEST_F(KubeconfigTest, HalfAnIdentityIsAnError) {
  const std::string data = base::EncodeBase64("x");
  EXPECT_THAT(ErrorOf("", "client-certificate-data: " + data), HasSubstr("without its key"));
  EXPECT_THAT(ErrorOf("", "client-key-data: " + data), HasSubstr("without its certificate"));
}

TEST_F(KubeconfigTest, ErrorsNameThePlaceAndKeepSecrets) {
  EXPECT_THAT(ErrorOf("", "client-key-data: \"hush!\""), HasSubstr("client-key-data is no base64"));
  EXPECT_THAT(ErrorOf("", "client-key-data: \"hush!\""), Not(HasSubstr("hush")));
  EXPECT_THAT(ErrorOf("", "token: [hush]"), HasSubstr("users[\"u\"].user.token is no text"));
  EXPECT_THAT(ErrorOf("", "token: [hush]"), Not(HasSubstr("hush")));
  for (const std::string server : {"http://api.example.com", "api.example.com", "https://user:hush@api", "https://api/?hush"}) {
    const auto config = LoadText(
        "{current-context: x, contexts: [{name: x, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: "
        "{server: \"" +
        server + "\"}}], users: [{name: u, user: {}}]}");
    ASSERT_FALSE(config) << server;
    EXPECT_THAT(config.error().message, HasSubstr(".server is no https URL"));
    EXPECT_THAT(config.error().message, Not(HasSubstr("hush")));
  }
}

TEST_F(KubeconfigTest, WhatIsNoneIsAnError) {
  for (const char* text :
       {"", "[]", "text", "{", "a: 1\na: 2\n", "a: &x 1\nb: *x\n", "a: 1\n---\nb: 2\n", "clusters: {}\ncurrent-context: x\n",
        "contexts: [1, {}, {name: x}]\ncurrent-context: x\n", "current-context: \"\"\n"}) {
    EXPECT_FALSE(LoadText(text)) << text;
  }
  EXPECT_FALSE(LoadKubeconfig(folder_ / "absent"));
}

}  // namespace
}  // namespace kube
