#include "tests/support/fake_kubernetes_server.h"

#include "tests/support/http_text.h"

namespace support {

FakeKubernetesServer::FakeKubernetesServer(FakeKubernetes& world, Loopback address)
    : world_(world),
      ca_(MakeCa("fake Kubernetes CA")),
      leaf_(MakeLeaf(ca_)),
      server_([this](Peer& peer, int) { Serve(peer); }, 0, address) {}

TestCertificate FakeKubernetesServer::MakeClient(const std::string& user) const {
  CertificateOptions options;
  options.common_name = user;
  return MakeLeaf(ca_, options);
}

void FakeKubernetesServer::Serve(Peer& peer) {
  if (!peer.StartTls(leaf_, ca_.certificate_pem)) {
    return;
  }
  for (std::string text = peer.ReadRequest(); !text.empty(); text = peer.ReadRequest()) {
    if (!peer.Send(WriteHttpResponse(world_.Answer(ReadHttpRequest(text, "https"), peer.ClientName())))) {
      return;
    }
  }
}

}  // namespace support
