"""What the release needs of kube-controller-manager, for assets without one: its Deployment, its EndpointSlices, its namespace.

No more than that: checks of Jobs, ReplicaSets or disruption budgets say that they need the real thing.
"""

import hashlib
import http.client
import itertools
import json
import threading

from .api import MERGE, Api, Refused

_POLL = 0.3
_HASH = "pod-template-hash"


class Controllers:
    def __init__(self, api: Api, namespace: str, authority: str):
        self._api = api
        self._namespace = namespace
        self._authority = authority
        self._numbers = itertools.count(1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.wait(_POLL):
            try:
                if self._api.find("Namespace", self._namespace):
                    self._furnish()
                    self._deployments()
                    self._endpoints()
            except (Refused, OSError, http.client.HTTPException):
                pass  # somebody changed it meanwhile, or the API server is away: the next turn sees

    def _furnish(self) -> None:
        """What pods of the namespace need before they can be created."""
        things = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": self._namespace}}]
        # The second is of OpenShift's API server, which mounts it too.
        for name, key in (("kube-root-ca.crt", "ca.crt"), ("openshift-service-ca.crt", "service-ca.crt")):
            things.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": self._namespace},
                           "data": {key: self._authority}})
        for thing in things:
            if not self._api.find(thing["kind"], thing["metadata"]["name"], self._namespace):
                self._api.create(thing)

    def _deployments(self) -> None:
        deployments = self._api.list("Deployment", self._namespace)
        alive = {deployment["metadata"]["uid"] for deployment in deployments}
        pods = [pod for pod in self._api.list("Pod", self._namespace) if "deletionTimestamp" not in pod["metadata"]]
        for pod in pods:
            owners = pod["metadata"].get("ownerReferences", [])
            if owners and owners[0]["uid"] not in alive:
                self._delete(pod)
        for deployment in deployments:
            self._roll(deployment, [pod for pod in pods if pod["metadata"].get("ownerReferences", [{}])[0].get("uid") ==
                                    deployment["metadata"]["uid"]])

    def _roll(self, deployment: dict, pods: list[dict]) -> None:
        """One pod more than wanted at a time, and none less."""
        metadata, spec = deployment["metadata"], deployment["spec"]
        digest = hashlib.sha256(json.dumps(spec["template"], sort_keys=True).encode()).hexdigest()[:10]
        fresh = [pod for pod in pods if pod["metadata"]["labels"].get(_HASH) == digest]
        stale = [pod for pod in pods if pod not in fresh]
        ready = [pod for pod in fresh if _ready(pod)]
        if len(fresh) < spec["replicas"] and len(pods) <= spec["replicas"] and len(ready) == len(fresh):
            template = spec["template"]
            self._api.create({"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
                "name": f"{metadata['name']}-{digest}-{next(self._numbers)}", "namespace": self._namespace,
                "labels": {**template["metadata"]["labels"], _HASH: digest}, "annotations": template["metadata"].get("annotations", {}),
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"],
                                     "controller": True}]}})
        elif stale and len(ready) + len(stale) > spec["replicas"] and len(ready) == len(fresh):
            self._delete(stale[0])
        elif len(fresh) > spec["replicas"]:
            self._delete(fresh[-1])
        status = {"observedGeneration": metadata["generation"], "replicas": len(pods), "updatedReplicas": len(fresh),
                  "readyReplicas": len([pod for pod in pods if _ready(pod)])}
        if {key: deployment.get("status", {}).get(key) for key in status} != status:
            self._api.patch("Deployment", metadata["name"], {"status": status}, self._namespace, "status", MERGE)

    def _endpoints(self) -> None:
        services = {service["metadata"]["name"]: service for service in self._api.list("Service", self._namespace)}
        slices = {part["metadata"]["name"]: part for part in self._api.list("EndpointSlice", self._namespace)}
        for name in slices.keys() - services.keys():
            self._api.delete("EndpointSlice", name, self._namespace)
        for name, service in services.items():
            selector = ",".join(f"{key}={value}" for key, value in service["spec"].get("selector", {}).items())
            endpoints, ports = [], []
            for pod in self._api.list("Pod", self._namespace, selector):
                if pod.get("status", {}).get("podIP"):
                    endpoints.append({"addresses": [pod["status"]["podIP"]], "conditions": {
                        "ready": _ready(pod) and "deletionTimestamp" not in pod["metadata"]}})
                    ports = [{"name": port.get("name", ""), "port": _target(pod, port), "protocol": "TCP"}
                             for port in service["spec"]["ports"]]
            metadata = {"name": name, "namespace": self._namespace, "labels": {"kubernetes.io/service-name": name}}
            thing = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4",
                     "endpoints": endpoints, "ports": ports}
            if name not in slices:
                self._api.create(thing)
            elif (slices[name].get("endpoints") or []) != endpoints or (slices[name].get("ports") or []) != ports:
                self._api.patch("EndpointSlice", name, {"endpoints": endpoints, "ports": ports}, self._namespace)

    def _delete(self, pod: dict) -> None:
        self._api.delete("Pod", pod["metadata"]["name"], self._namespace)


def _ready(pod: dict) -> bool:
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in pod.get("status", {}).get("conditions", []))


def _target(pod: dict, port: dict) -> int:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    return next(entry["containerPort"] for container in pod["spec"]["containers"] for entry in container.get("ports", [])
                if entry.get("name") == target)
