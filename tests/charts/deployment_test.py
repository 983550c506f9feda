"""The pods: how they are kept apart, kept up, kept small and kept in."""
import re
import unittest

from chart import CASES, Release


class Deployment(unittest.TestCase):
    def every_pod(self):
        """(case, pod spec) of everything that runs in every case."""
        for name, values in CASES.items():
            release = Release(values)
            yield name, release.pod()
            for pod in release.all("Pod"):
                yield name, pod["spec"]

    def test_restricted_pod_security(self):
        for name, pod in self.every_pod():
            with self.subTest(name):
                security = pod["securityContext"]
                self.assertIs(True, security["runAsNonRoot"])
                self.assertNotEqual(0, security["runAsUser"])
                self.assertEqual("RuntimeDefault", security["seccompProfile"]["type"])
                for container in pod["containers"] + pod.get("initContainers", []):
                    if container["name"] == "sidecar":
                        continue
                    security = container["securityContext"]
                    self.assertIs(False, security["allowPrivilegeEscalation"])
                    self.assertIs(True, security["readOnlyRootFilesystem"])
                    self.assertEqual({"drop": ["ALL"]}, security["capabilities"])

    def test_deployment_safeguards_of_aks(self):
        for name, pod in self.every_pod():
            with self.subTest(name):
                for container in pod["containers"]:
                    if container["name"] == "sidecar":
                        continue
                    for what in ("requests", "limits"):
                        self.assertEqual({"cpu", "memory"}, set(container["resources"][what]))
                    self.assertIn("readinessProbe", container)
                    self.assertIn("livenessProbe", container)
                    self.assertRegex(container["image"], r"(:[0-9][^:/]*|@sha256:[0-9a-f]{64})$")
                self.assertNotIn(pod["serviceAccountName"], ("", "default"))
        pod = Release().pod()
        self.assertIn("podAntiAffinity", pod["affinity"])
        self.assertEqual(1, len(Release().all("PodDisruptionBudget")))
        # No two Services with one selector.
        selectors = [frozenset(item["spec"]["selector"].items()) for item in Release().all("Service")]
        self.assertEqual((2, 2), (len(selectors), len(set(selectors))))

    def test_image(self):
        digest = "sha256:" + "a" * 64
        for values, wanted in (
            ({}, "ghcr.io/acr-admission/acr-admission:0.1.0"),
            ({"image": {"tag": "1.2.3"}}, "ghcr.io/acr-admission/acr-admission:1.2.3"),
            ({"image": {"tag": "1.2.3", "digest": digest}}, "ghcr.io/acr-admission/acr-admission@" + digest),
            ({"image": {"tag": "latest", "digest": digest}}, "ghcr.io/acr-admission/acr-admission@" + digest),
            ({"image": {"registry": "contoso.azurecr.io", "repository": "a/b"}}, "contoso.azurecr.io/a/b:0.1.0"),
            ({"image": {"registry": ""}}, "acr-admission/acr-admission:0.1.0"),
            ({"global": {"imageRegistry": "mirror:5000"}}, "mirror:5000/acr-admission/acr-admission:0.1.0"),
        ):
            with self.subTest(values):
                release = Release(values)
                images = {c["image"] for pod in [release.pod(), release.one("Pod")["spec"]] for c in pod["containers"]}
                self.assertEqual({wanted}, images)

    def test_two_replicas_spread_over_zones_then_hosts(self):
        release = Release()
        self.assertEqual(2, release.one("Deployment")["spec"]["replicas"])
        spread = release.pod()["topologySpreadConstraints"]
        self.assertEqual(["topology.kubernetes.io/zone", "kubernetes.io/hostname"], [item["topologyKey"] for item in spread])
        selected = release.one("Deployment")["spec"]["selector"]
        for item in spread:
            self.assertEqual(selected, item["labelSelector"])
        # A cluster of one node, or one zone, still gets both.
        self.assertEqual({"ScheduleAnyway"}, {item["whenUnsatisfiable"] for item in spread})

    def test_own_spread_gets_the_selector(self):
        own = {"topologyKey": "rack", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
        release = Release({"topologySpreadConstraints": [own]})
        selected = release.one("Deployment")["spec"]["selector"]
        self.assertEqual([dict(own, labelSelector=selected)], release.pod()["topologySpreadConstraints"])

    def test_nodes(self):
        pod = Release().pod()
        self.assertEqual({"kubernetes.io/os": "linux"}, pod["nodeSelector"])
        self.assertIn({"key": "CriticalAddonsOnly", "operator": "Exists"}, pod["tolerations"])
        self.assertEqual("system-cluster-critical", pod["priorityClassName"])
        affinity = pod["affinity"]["nodeAffinity"]
        required = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"][0]["matchExpressions"]
        self.assertEqual([{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]}], required)
        preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"][0]["preference"]["matchExpressions"]
        self.assertEqual([{"key": "kubernetes.azure.com/mode", "operator": "In", "values": ["system"]}], preferred)

    def test_roll_and_drain_take_no_replica_before_another_is_there(self):
        release = Release()
        self.assertEqual({"maxUnavailable": 0, "maxSurge": 1}, release.one("Deployment")["spec"]["strategy"]["rollingUpdate"])
        budget = release.one("PodDisruptionBudget")["spec"]
        self.assertEqual(1, budget["maxUnavailable"])
        self.assertEqual("AlwaysAllow", budget["unhealthyPodEvictionPolicy"])
        self.assertEqual(release.one("Deployment")["spec"]["selector"], budget["selector"])

    def test_budget_by_what_must_be_there(self):
        budget = Release({"podDisruptionBudget": {"minAvailable": "50%"}}).one("PodDisruptionBudget")["spec"]
        self.assertEqual("50%", budget["minAvailable"])
        self.assertNotIn("maxUnavailable", budget)

    def test_killed_only_long_after_the_drain(self):
        for delay in ("0s", "10s", "120s"):
            with self.subTest(delay):
                release = Release({"server": {"drainDelay": delay}})
                self.assertEqual(delay, release.config()["server"]["drainDelay"])
                self.assertEqual(int(delay[:-1]) + 30, release.pod()["terminationGracePeriodSeconds"])

    def test_autoscaling_takes_the_replicas_over(self):
        release = Release({"autoscaling": {"enabled": True}})
        self.assertNotIn("replicas", release.one("Deployment")["spec"])
        autoscaler = release.one("HorizontalPodAutoscaler")["spec"]
        self.assertEqual({"apiVersion": "apps/v1", "kind": "Deployment", "name": "acr-admission"}, autoscaler["scaleTargetRef"])
        self.assertGreaterEqual(autoscaler["minReplicas"], 2)

    def test_probes(self):
        for name, values in CASES.items():
            with self.subTest(name):
                release = Release(values)
                container = release.container()
                paths = {kind: container[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
                self.assertEqual("/livez", paths["startupProbe"]["path"])
                self.assertEqual("/readyz", paths["readinessProbe"]["path"])
                self.assertEqual("/livez", paths["livenessProbe"]["path"])
                self.assertEqual({"health"}, {probe["port"] for probe in paths.values()})
                port = next(port["containerPort"] for port in container["ports"] if port["name"] == "health")
                self.assertTrue(release.config()["health"]["address"].endswith(f":{port}"))

    def test_a_changed_configuration_rolls_the_pods_and_a_changed_policy_does_not(self):
        def template(values):
            return Release(values).one("Deployment")["spec"]["template"]

        self.assertNotEqual(template({}), template({"log": {"level": "debug"}}))
        self.assertNotEqual(template({"server": {"clientCA": "-----BEGIN CERTIFICATE-----\na"}}),
                            template({"server": {"clientCA": "-----BEGIN CERTIFICATE-----\nb"}}))
        self.assertEqual(template({}), template({"policy": {"otherRegistries": "Warn"}, "mode": "audit"}))
        self.assertEqual(template({}), template({"definitions": {"ours": "{}"}}))

    def test_everything_that_the_configuration_names_is_mounted(self):
        for name, values in CASES.items():
            with self.subTest(name):
                release = Release(values)
                config, pod = release.config(), release.pod()
                mounts = {mount["mountPath"]: mount["name"] for mount in release.container()["volumeMounts"]}
                volumes = {volume["name"]: volume for volume in pod["volumes"]}
                self.assertEqual(set(volumes), set(mounts.values()))
                paths = [config["policy"], config["definitions"], config["audit"]["database"], config["inventory"]["saved"], "config.yaml"]
                paths += [config["tls"][key] for key in ("certificate", "key") if key in config["tls"]]
                paths += [config["server"]["clientCA"]] if "clientCA" in config["server"] else []
                paths += [config["inventory"][key] for key in ("file", "ca") if key in config["inventory"]]
                for path in paths:
                    path = path if path.startswith("/") else "/etc/acr-admission/" + path
                    self.assertTrue(any(path == mount or path.startswith(mount + "/") for mount in mounts), path)
                for mount in release.container()["volumeMounts"]:
                    writable = "emptyDir" in volumes[mount["name"]]
                    if mount["name"] != "partner":
                        self.assertEqual(not writable, mount.get("readOnly", False), mount)
                # A ConfigMap that is mounted is one that is rendered, but for somebody else's.
                rendered = {item["metadata"]["name"] for item in release.all("ConfigMap")}
                named = {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume}
                self.assertLessEqual(named - {"registries"}, rendered)

    def test_environment(self):
        environment = {item["name"]: item for item in Release(CASES["everything"]).container()["env"]}
        # With what the API server would add: to server-side apply a fieldRef is one value, so a conflict without it.
        self.assertEqual({"apiVersion": "v1", "fieldPath": "metadata.name"}, environment["POD_NAME"]["valueFrom"]["fieldRef"])
        self.assertEqual({"apiVersion": "v1", "fieldPath": "metadata.uid"}, environment["POD_UID"]["valueFrom"]["fieldRef"])
        self.assertEqual("http://proxy:3128", environment["HTTPS_PROXY"]["value"])
        # The root is read-only, and SQLite sorts large answers in files.
        writable = {mount["mountPath"] for mount in Release().container()["volumeMounts"] if not mount.get("readOnly")}
        self.assertEqual({environment["TMPDIR"]["value"]}, writable)

    def test_no_variables_of_other_services(self):
        # Else each Service of the namespace would come as NAME_PORT and the like, which a program may take for its own.
        for name, pod in self.every_pod():
            with self.subTest(name):
                self.assertIs(False, pod["enableServiceLinks"])

    def test_scratch_volume_does_not_keep_a_node(self):
        pods = Release().one("Deployment")["spec"]["template"]
        scratch = [volume["name"] for volume in pods["spec"]["volumes"] if "emptyDir" in volume]
        named = pods["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"]
        self.assertEqual(scratch, named.split(","))

    def test_workload_identity(self):
        release = Release(CASES["workload identity"])
        self.assertEqual("true", release.one("Deployment")["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"])
        self.assertEqual("true", release.one("Pod")["metadata"]["labels"]["azure.workload.identity/use"])
        self.assertEqual(
            {
                "azure.workload.identity/client-id": "0b8f1a2e-3c4d-4e5f-8a6b-7c8d9e0f1a2b",
                "azure.workload.identity/tenant-id": "72f988bf-86f1-41af-91ab-2d7cd011db47",
                "azure.workload.identity/service-account-token-expiration": "86400",
            },
            release.one("ServiceAccount")["metadata"]["annotations"],
        )
        self.assertNotIn("azure.workload.identity/use", Release().text)

    def test_no_label_of_a_value_breaks_a_selector(self):
        for value in ("podLabels", "commonLabels"):
            with self.subTest(value):
                release = Release({value: {"app.kubernetes.io/name": "x", "app.kubernetes.io/component": "x", "ours": "yes"}})
                labels = release.one("Deployment")["spec"]["template"]["metadata"]["labels"]
                for key, wanted in release.one("Deployment")["spec"]["selector"]["matchLabels"].items():
                    self.assertEqual(wanted, labels[key])
                self.assertEqual("yes", labels["ours"])

    def test_host_network(self):
        release = Release(CASES["in the node's network"])
        pod = release.pod()
        self.assertIs(True, pod["hostNetwork"])
        self.assertEqual("ClusterFirstWithHostNet", pod["dnsPolicy"])
        self.assertEqual("[::]:9443", release.config()["server"]["address"])
        self.assertEqual([9443, 9080], [port["containerPort"] for port in release.container()["ports"]])

    def test_helms_test_runs_our_image_on_the_releases_configuration(self):
        for name, values in CASES.items():
            with self.subTest(name):
                release = Release(values)
                test = release.one("Pod")
                self.assertEqual("test", test["metadata"]["annotations"]["helm.sh/hook"])
                spec = test["spec"]
                self.assertEqual({release.container()["image"]}, {c["image"] for c in spec["containers"] + spec["initContainers"]})
                self.assertEqual(["validate", "--config", "/etc/acr-admission/config.yaml"], spec["initContainers"][0]["args"])
                # Azure is read there and then: what was saved would prove nothing about the identity.
                azure = release.config()["inventory"]["source"] == "azure"
                self.assertEqual(["registries", "--config", "/etc/acr-admission/config.yaml"] + ["--refresh"] * azure, spec["containers"][0]["args"])
                # The Service must not send it requests.
                selector = release.one("Service", "acr-admission")["spec"]["selector"]
                self.assertNotEqual(selector, {key: test["metadata"]["labels"].get(key) for key in selector})

    def test_memory_is_enough_for_a_body(self):
        limit = re.fullmatch(r"(\d+)Mi", Release().container()["resources"]["limits"]["memory"])
        # Bodies in flight may take a quarter, and one body 16 MiB.
        self.assertGreaterEqual(int(limit.group(1)) // 4, 16)


if __name__ == "__main__":
    unittest.main()
