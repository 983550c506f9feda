"""A pod's volumes on disk, as a kubelet makes them: what the binary reads has the same links, modes and owners as in a cluster."""

import base64
import json
import os
import shutil
import time
import uuid
from pathlib import Path

from .api import Api, url


class NotYet(Exception):
    """A volume's source is not there: the pod waits, as it would in a cluster."""


class Volumes:
    """All volumes of one pod, below `folder`. `api` is the node's: a kubelet may read only what its own pods name."""

    def __init__(self, api: Api, pod: dict, folder: Path, authority: str, owners_matter: bool):
        self._api = api
        self._pod = pod
        self._folder = folder
        self._authority = authority
        self._tokens: dict[str, tuple[str, float]] = {}
        security = pod["spec"].get("securityContext", {})
        self._group = security.get("fsGroup") if owners_matter else None
        self._user = security.get("runAsUser") if owners_matter else None

    def path(self, name: str) -> Path:
        return self._folder / name

    def refresh(self) -> None:
        """Makes what is missing and replaces what changed."""
        for volume in self._pod["spec"].get("volumes", []):
            target = self.path(volume["name"])
            if "emptyDir" in volume:
                self._empty(target)
                continue
            files = self._files(volume)
            replace_atomically(target, files, self._group)

    def _empty(self, target: Path) -> None:
        if target.exists():
            return
        target.mkdir(parents=True)
        target.chmod(0o777)
        if self._group is not None:
            os.chown(target, 0, self._group)
            target.chmod(0o2777)

    def _files(self, volume: dict) -> dict[str, tuple[bytes, int]]:
        """Name to content and mode."""
        if "configMap" in volume:
            return self._config_map(volume["configMap"], volume["configMap"].get("defaultMode", 0o644))
        if "secret" in volume:
            return self._secret(volume["secret"], volume["secret"].get("secretName"), volume["secret"].get("defaultMode", 0o644))
        if "downwardAPI" in volume:
            return self._downward(volume["downwardAPI"], volume["downwardAPI"].get("defaultMode", 0o644))
        if "projected" in volume:
            mode = volume["projected"].get("defaultMode", 0o644)
            files: dict[str, tuple[bytes, int]] = {}
            for source in volume["projected"]["sources"]:
                if "configMap" in source:
                    files |= self._config_map(source["configMap"], mode)
                elif "secret" in source:
                    files |= self._secret(source["secret"], source["secret"].get("name"), mode)
                elif "downwardAPI" in source:
                    files |= self._downward(source["downwardAPI"], mode)
                elif "serviceAccountToken" in source:
                    files |= self._token(volume["name"], source["serviceAccountToken"])
                else:
                    raise ValueError(f"volume {volume['name']}: this kubelet knows no source {list(source)}")
            return files
        raise ValueError(f"this kubelet knows no volume like {volume}")

    def _config_map(self, source: dict, mode: int) -> dict[str, tuple[bytes, int]]:
        thing = self._source("ConfigMap", source["name"], source.get("optional", False))
        data = {key: value.encode() for key, value in thing.get("data", {}).items()}
        data |= {key: base64.b64decode(value) for key, value in thing.get("binaryData", {}).items()}
        return _chosen(data, source, mode)

    def _secret(self, source: dict, name: str, mode: int) -> dict[str, tuple[bytes, int]]:
        thing = self._source("Secret", name, source.get("optional", False))
        return _chosen({key: base64.b64decode(value) for key, value in thing.get("data", {}).items()}, source, mode)

    def _source(self, kind: str, name: str, optional: bool) -> dict:
        thing = self._api.find(kind, name, self._pod["metadata"]["namespace"])
        if thing is None and not optional:
            raise NotYet(f"{kind} {name} is not there")
        return thing or {}

    def _downward(self, source: dict, mode: int) -> dict[str, tuple[bytes, int]]:
        return {item["path"]: (field(self._pod, item["fieldRef"]["fieldPath"]).encode(), item.get("mode", mode))
                for item in source.get("items", [])}

    def _token(self, volume: str, source: dict) -> dict[str, tuple[bytes, int]]:
        """A token bound to this pod. It is renewed at four fifths of its life, as a kubelet does."""
        key = f"{volume}/{source['path']}"
        token, renew = self._tokens.get(key, ("", 0.0))
        if time.time() >= renew:
            seconds = source.get("expirationSeconds", 3600)
            metadata = self._pod["metadata"]
            request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
                "audiences": [source["audience"]] if source.get("audience") else [], "expirationSeconds": seconds,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}}}
            path = url("ServiceAccount", metadata["namespace"], self._pod["spec"]["serviceAccountName"], "token")
            token = self._api.call("POST", path, request).body["status"]["token"]
            self._tokens[key] = (token, time.time() + seconds * 0.8)
        # Readable by the group of the volumes, or else by the user that the pod runs as.
        return {source["path"]: (token.encode(), 0o640 if self._group is not None else 0o644)}


def _chosen(data: dict[str, bytes], source: dict, mode: int) -> dict[str, tuple[bytes, int]]:
    if "items" not in source:
        return {key: (value, mode) for key, value in data.items()}
    missing = [item["key"] for item in source["items"] if item["key"] not in data]
    if missing and not source.get("optional", False):
        raise NotYet(f"{source} lacks {missing}")
    return {item["path"]: (data[item["key"]], item.get("mode", mode)) for item in source["items"] if item["key"] in data}


def replace_atomically(target: Path, files: dict[str, tuple[bytes, int]], group: int | None) -> None:
    """A folder like the kubelet's AtomicWriter makes: files behind `..data`, a link that is swapped in one rename."""
    link = target / "..data"
    if link.is_symlink() and _same(link, files):
        return
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o755)
    fresh = target / f"..{time.strftime('%Y_%m_%d_%H_%M_%S')}.{uuid.uuid4().hex[:9]}"
    for name, (content, mode) in files.items():
        file = fresh / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        if group is not None:
            os.chown(file, 0, group)
            mode |= 0o440
        file.chmod(mode)
    fresh.mkdir(exist_ok=True)
    fresh.chmod(0o755)
    old = os.readlink(link) if link.is_symlink() else None
    temporary = target / "..data_tmp"
    temporary.symlink_to(fresh.name)
    temporary.rename(link)
    for top in {name.split("/")[0] for name in files}:
        if not (target / top).is_symlink():
            (target / top).symlink_to(f"..data/{top}")
    for entry in target.iterdir():
        if not entry.name.startswith("..") and entry.is_symlink() and not entry.exists():
            entry.unlink()
    if old:
        shutil.rmtree(target / old, ignore_errors=True)


def _same(folder: Path, files: dict[str, tuple[bytes, int]]) -> bool:
    have = {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("**/*") if file.is_file()}
    return have == {name: content for name, (content, _) in files.items()}


def field(pod: dict, path: str) -> str:
    """The value of a fieldRef."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status", {})
    for prefix in ("labels", "annotations"):
        if path.startswith(f"metadata.{prefix}['"):
            return metadata.get(prefix, {}).get(path[len(prefix) + 11:-2], "")
        if path == f"metadata.{prefix}":
            return "\n".join(f"{key}={json.dumps(value)}" for key, value in sorted(metadata.get(prefix, {}).items()))
    return {"metadata.name": metadata["name"], "metadata.namespace": metadata["namespace"], "metadata.uid": metadata["uid"],
            "spec.nodeName": spec.get("nodeName", ""), "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "status.podIP": status.get("podIP", ""), "status.podIPs": status.get("podIP", ""),
            "status.hostIP": status.get("hostIP", "")}[path]
