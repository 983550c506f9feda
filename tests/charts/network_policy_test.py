"""Who reaches the pods, and what they reach."""
import unittest

from chart import CASES, Release, refusal

KONNECTIVITY = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"app": "konnectivity-agent"}},
}
METADATA_SERVICE = "169.254.169.254/32"


def spec(values=None):
    return Release(values).one("NetworkPolicy")["spec"]


def peers(policy, direction, port):
    """Who may use a port; every rule names its ports and peers."""
    key = {"ingress": "from", "egress": "to"}[direction]
    return [peer for rule in policy[direction] if port in [item["port"] for item in rule["ports"]] for peer in rule[key]]


class NetworkPolicy(unittest.TestCase):
    def test_selects_the_pods_and_both_directions(self):
        release = Release()
        policy = release.one("NetworkPolicy")["spec"]
        self.assertEqual(release.one("Deployment")["spec"]["selector"], policy["podSelector"])
        self.assertEqual({"Ingress", "Egress"}, set(policy["policyTypes"]))

    def test_the_api_server_alone_reaches_the_webhook(self):
        alone = CASES["log that nobody asks"]
        self.assertEqual([KONNECTIVITY], peers(spec(alone), "ingress", "https"))
        self.assertEqual(
            [KONNECTIVITY, {"ipBlock": {"cidr": "10.1.0.0/28"}}],
            peers(spec({**alone, "networkPolicy": {"apiServer": {"cidrs": ["10.1.0.0/28"]}}}), "ingress", "https"),
        )
        self.assertEqual(
            [{"ipBlock": {"cidr": "10.1.0.0/28"}}],
            peers(spec({**alone, "networkPolicy": {"apiServer": {"cidrs": ["10.1.0.0/28"], "konnectivity": False}}}), "ingress", "https"),
        )

    def test_replicas_reach_each_other_for_the_log(self):
        for values, port in (({}, 8443), ({"server": {"port": 9443}}, 9443)):
            release = Release(values)
            policy = release.one("NetworkPolicy")["spec"]
            others = {"podSelector": release.one("Deployment")["spec"]["selector"]}
            self.assertEqual([KONNECTIVITY, others], peers(policy, "ingress", "https"))
            self.assertEqual([others], peers(policy, "egress", port))
        self.assertEqual([], peers(spec(CASES["log that nobody asks"]), "egress", 8443))

    def test_postgresql_is_reached_where_there_is_one(self):
        everywhere = {"ipBlock": {"cidr": "0.0.0.0/0", "except": [METADATA_SERVICE]}}
        self.assertEqual([everywhere], peers(spec(CASES["PostgreSQL"]), "egress", 6432))
        self.assertEqual([], peers(spec(), "egress", 5432))

    def test_a_policy_that_nobody_passes_is_refused(self):
        said = refusal({"networkPolicy": {"apiServer": {"konnectivity": False}}})
        self.assertIn("networkPolicy.apiServer.cidrs: needed with networkPolicy.apiServer.konnectivity=false", said)

    def test_metadata_service_only_without_workload_identity(self):
        for values, reached in (({}, True), (CASES["workload identity"], False), (CASES["file"], False)):
            with self.subTest(values):
                policy = spec(values)
                self.assertEqual([{"ipBlock": {"cidr": METADATA_SERVICE}}] if reached else [], peers(policy, "egress", 80))
                for peer in peers(policy, "egress", 443):
                    if peer["ipBlock"]["cidr"] == "0.0.0.0/0":
                        self.assertEqual([METADATA_SERVICE], peer["ipBlock"]["except"])

    def test_api_server_and_azure_are_reached(self):
        self.assertEqual(["0.0.0.0/0"], [peer["ipBlock"]["cidr"] for peer in peers(spec(), "egress", 443)])
        self.assertTrue(peers(spec(), "egress", 6443))
        self.assertEqual([], peers(spec({**CASES["no API server"], **CASES["file"]}), "egress", 443))

    def test_ipv6_only_where_it_is_asked_for(self):
        # Azure's Network Policy Manager refuses a policy with an IPv6 block whole, and leaves its pods open to everybody.
        self.assertNotIn("::/0", str(spec()))
        reached = [peer["ipBlock"]["cidr"] for peer in peers(spec({"server": {"listen": "::"}}), "egress", 443)]
        self.assertEqual(["0.0.0.0/0", "::/0"], reached)

    def test_dns_is_reached(self):
        ports = {(item["port"], item["protocol"]) for rule in spec()["egress"] for item in rule["ports"] if item["port"] == 53}
        self.assertEqual({(53, "UDP"), (53, "TCP")}, ports)
        pods, *caches = peers(spec(), "egress", 53)
        self.assertEqual({"k8s-app": "kube-dns"}, pods["podSelector"]["matchLabels"])
        # The node-local cache of Kubernetes; the two listeners of AKS's LocalDNS, which has no pods.
        self.assertEqual({"169.254.20.10/32", "169.254.10.10/32", "169.254.10.11/32"}, {peer["ipBlock"]["cidr"] for peer in caches})

    def test_no_port_twice_in_a_rule(self):
        for name, values in CASES.items():
            for policy in Release(values).all("NetworkPolicy"):
                for rule in policy["spec"]["ingress"] + policy["spec"]["egress"]:
                    with self.subTest(name):
                        ports = [(item["port"], item["protocol"]) for item in rule["ports"]]
                        self.assertEqual(len(ports), len(set(ports)))
                        self.assertTrue(rule.get("from") or rule.get("to"), "open to everybody")

    def test_none_for_pods_in_the_nodes_network(self):
        self.assertEqual([], Release(CASES["in the node's network"]).all("NetworkPolicy"))
        self.assertEqual([], Release({"networkPolicy": {"enabled": False}}).all("NetworkPolicy"))


if __name__ == "__main__":
    unittest.main()
