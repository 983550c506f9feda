"""One pod as real processes: network namespace with the pod's own address, volumes, containers, probes, restarts, a graceful end."""

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

from .api import STRATEGIC, Api, Refused
from .isolation import BRIDGE, KUBERNETES_SERVICE, NODE_ADDRESS, ONE_USER, POD_GATEWAY, pod_address
from .processes import Process
from .volumes import NotYet, Volumes, field

_TICK = 0.1
_REFRESH = 1.0  # of volumes. A kubelet takes up to a minute and a half: checks that wait for one need not


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class _Probe:
    """One probe's schedule and its count of successes or failures in a row."""

    def __init__(self, spec: dict, started: float):
        self.spec = spec
        self.result: bool | None = None
        self._due = started + spec.get("initialDelaySeconds", 0)
        self._row = 0
        self._last: bool | None = None

    def step(self, check) -> bool:
        """Asks when it is time to. Whether it asked."""
        if time.monotonic() < self._due:
            return False
        good = check(self.spec)
        self._due = time.monotonic() + self.spec.get("periodSeconds", 10)
        self._row = self._row + 1 if good == self._last else 1
        self._last = good
        if self._row >= self.spec.get("successThreshold" if good else "failureThreshold", 1 if good else 3):
            self.result = good
        return True


class _Container:
    def __init__(self, spec: dict):
        self.spec = spec
        self.process: Process | None = None
        self.restarts = -1
        self.started_at = ""
        self.probes: dict[str, _Probe] = {}
        self.restart_due = 0.0
        self.exit_code: int | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running()

    @property
    def started(self) -> bool:
        probe = self.probes.get("startupProbe")
        return self.running and (probe is None or probe.result is True)

    @property
    def ready(self) -> bool:
        probe = self.probes.get("readinessProbe")
        return self.started and (probe is None or probe.result is True)

    def pid(self) -> int | None:
        """Of the command itself, which `unshare` waits for."""
        if not self.running:
            return None
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            return int(children[0]) if children else None
        except OSError:
            return None

    def signal(self, number: int) -> None:
        pid = self.pid()
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def status(self) -> dict:
        if self.running:
            state = {"running": {"startedAt": self.started_at}}
        elif self.exit_code is not None:
            state = {"terminated": {"exitCode": self.exit_code, "startedAt": self.started_at, "finishedAt": now()}}
        else:
            state = {"waiting": {"reason": "ContainerCreating"}}
        return {"name": self.spec["name"], "image": self.spec["image"], "imageID": "", "ready": self.ready, "started": self.started,
                "restartCount": max(self.restarts, 0), "state": state}


class PodRunner:
    """`update` brings the newest object of the API; `image_root` tells the unpacked image of a reference, or None."""

    def __init__(self, api: Api, pod: dict, number: int, folder: Path, logs: Path, authority: str, image_root, hosts: dict,
                 headless: dict):
        self.pod = pod
        self.address = pod_address(number)
        self.exit_codes: list[tuple[str, int]] = []
        self.trouble = ""
        self._api = api
        self._number = number
        self._folder = folder
        self._logs = logs
        self._image_root = image_root
        self._hosts = hosts
        self._headless = headless
        self._hosts_file = folder / "hosts"
        self._has_users = ONE_USER not in os.environ
        self._volumes = Volumes(api, pod, folder / "volumes", authority, self._has_users)
        self._containers = [_Container(spec) for spec in pod["spec"]["containers"]]
        self._pause: Process | None = None
        self._gone = threading.Event()
        self._sent = None
        self._failed = False
        self._start_time = now()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def over(self) -> bool:
        return not self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def pod_name(self) -> str:
        return self.pod["metadata"]["name"]

    def update(self, pod: dict | None) -> None:
        """None: the API has it no more."""
        if pod is None:
            self._gone.set()
        else:
            self.pod = pod

    def kill(self) -> None:
        """kill -9 of every container's process, as the kernel's memory killer does."""
        for container in self._containers:
            container.signal(signal.SIGKILL)

    def freeze(self, frozen: bool) -> None:
        """The kernel still takes connections for who is frozen, and nobody answers on them."""
        for container in self._containers:
            container.signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def log(self) -> str:
        return "\n".join(file.read_text(errors="replace") for file in sorted(self._logs.glob(f"{self.pod_name}.*.log")))

    # The life of a pod.

    def _run(self) -> None:
        try:
            if self._prepare():
                while not self._ending():
                    self._step()
                    time.sleep(_TICK)
                self._terminate()
        except Exception as error:  # the harness must say so and go on
            self._failed = True
            self.trouble = f"{type(error).__name__}: {error}"
            print(f"# kubelet: pod {self.pod_name}: {self.trouble}", file=sys.stderr)
        finally:
            for container in self._containers:
                if container.running:
                    container.process.stop(0)
            if self._pause:
                self._pause.stop(0)
            self._farewell()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _ending(self) -> bool:
        return self._gone.is_set() or "deletionTimestamp" in self.pod["metadata"] or self._finished()

    def _finished(self) -> bool:
        """All containers ended, and they are not to be started again."""
        return self.pod["spec"].get("restartPolicy") != "Always" and all(c.exit_code is not None for c in self._containers)

    def _prepare(self) -> bool:
        """Network, volumes, init containers. False when the pod was deleted meanwhile."""
        self._make_network()
        while not self._gone.is_set() and "deletionTimestamp" not in self.pod["metadata"]:
            try:
                self._volumes.refresh()
                break
            except (NotYet, Refused, OSError, http.client.HTTPException) as error:
                self.trouble = str(error)
                self._report()
                time.sleep(0.5)
        else:
            return True
        self.trouble = ""
        for spec in self.pod["spec"].get("initContainers", []):
            container = _Container(spec)
            self._start(container)
            while container.running and not self._gone.is_set():
                time.sleep(_TICK)
            if container.process.returncode() != 0:
                raise RuntimeError(f"init container {spec['name']} failed:\n{container.process.tail()}")
        for container in self._containers:
            self._start(container)
        self._refreshed = time.monotonic()
        return True

    def _step(self) -> None:
        if time.monotonic() - self._refreshed >= _REFRESH:
            self._refreshed = time.monotonic()
            try:
                self._volumes.refresh()
            except (NotYet, Refused, OSError, http.client.HTTPException) as error:
                self.trouble = str(error)  # what is there stays, as in a cluster
            self._write_hosts()
        for container in self._containers:
            if not container.running:
                self._ended(container)
            else:
                self._probe(container)
        self._report()

    def _ended(self, container: _Container) -> None:
        if container.process is not None and container.exit_code is None:
            container.exit_code = container.process.returncode()
            self.exit_codes.append((container.spec["name"], container.exit_code))
            container.restart_due = time.monotonic() + (0.5 if container.restarts == 0 else 3)
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if policy == "Always" or (policy == "OnFailure" and container.exit_code != 0):
            if time.monotonic() >= container.restart_due:
                self._start(container)

    def _probe(self, container: _Container) -> None:
        started = container.started
        for kind, probe in container.probes.items():
            if (kind == "startupProbe") == started:
                continue  # the startup probe holds the others back, and is over when it succeeded
            probe.step(lambda spec: self._check(spec, container))
            if probe.result is False and kind != "readinessProbe":
                print(f"# kubelet: pod {self.pod_name}: {kind} failed, restarting", file=sys.stderr)
                container.signal(signal.SIGTERM)
                probe.result = None

    def _check(self, spec: dict, container: _Container) -> bool:
        if "exec" in spec:
            command = ["nsenter", "-t", str(container.pid()), "--all", "--root", "--wd", *spec["exec"]["command"]]
            return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
        if "httpGet" not in spec:
            raise ValueError(f"this kubelet knows no probe like {spec}")
        get = spec["httpGet"]
        port = self._port(get["port"])
        timeout = spec.get("timeoutSeconds", 1)
        if get.get("scheme", "HTTP") == "HTTPS":
            connection = http.client.HTTPSConnection(self.address, port, timeout=timeout, context=ssl._create_unverified_context())
        else:
            connection = http.client.HTTPConnection(self.address, port, timeout=timeout)
        try:
            connection.request("GET", get.get("path", "/"), headers={"User-Agent": "kube-probe/e2e"})
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _port(self, port: int | str) -> int:
        if isinstance(port, int):
            return port
        return next(entry["containerPort"] for spec in self.pod["spec"]["containers"] for entry in spec.get("ports", [])
                    if entry.get("name") == port)

    def _terminate(self) -> None:
        """preStop, SIGTERM, and SIGKILL when the grace period is over. Readiness is still asked for, as a kubelet does."""
        grace = self.pod["metadata"].get("deletionGracePeriodSeconds", self.pod["spec"].get("terminationGracePeriodSeconds", 30))
        if self._gone.is_set():
            grace = 0
        deadline = time.monotonic() + grace
        stops = {}
        for container in self._containers:
            pause = container.spec.get("lifecycle", {}).get("preStop", {})
            if pause and "sleep" not in pause:
                raise ValueError(f"this kubelet knows no preStop like {pause}")
            stops[container.spec["name"]] = time.monotonic() + pause.get("sleep", {}).get("seconds", 0)
        while any(container.running for container in self._containers):
            moment = time.monotonic()
            if moment >= deadline:
                for container in self._containers:
                    container.signal(signal.SIGKILL)
            for container in self._containers:
                name = container.spec["name"]
                if name in stops and moment >= stops[name] and container.running:
                    container.signal(signal.SIGTERM)
                    del stops[name]
                if container.running:
                    self._probe(container)
            if not self._gone.is_set():
                self._report()
            time.sleep(_TICK)
        for container in self._containers:
            if container.process is not None and container.exit_code is None:
                container.exit_code = container.process.returncode()
                self.exit_codes.append((container.spec["name"], container.exit_code))

    def _farewell(self) -> None:
        if self._gone.is_set():
            return
        self._report()
        metadata = self.pod["metadata"]
        said = ""
        while "deletionTimestamp" in metadata and not self._gone.wait(0.2):  # until the API has the pod no more
            try:
                self._api.delete("Pod", metadata["name"], metadata["namespace"], now=True, uid=metadata["uid"])
            except (Refused, OSError, http.client.HTTPException) as error:
                if str(error) != said:
                    said = str(error)
                    print(f"# kubelet: pod {self.pod_name}: {error}", file=sys.stderr)

    # How it is made.

    def _make_network(self) -> None:
        hold = "import signal, socket, sys; socket.sethostname(sys.argv[1]); signal.pause()"
        command = ["unshare", "--net", "--uts", sys.executable, "-c", hold, self.pod_name]
        self._pause = Process("pause", command, self._logs / f"{self.pod_name}.pause.log")
        pid = self._pause.pid
        ours = os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{pid}/ns/net") == ours:
            time.sleep(0.01)
        outside = f"pod{self._number}"
        for command in (["ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", str(pid)],
                        ["ip", "link", "set", outside, "master", BRIDGE, "up"],
                        ["nsenter", "-t", str(pid), "-n", "sh", "-c",
                         f"ip link set lo up && ip address add {self.address}/16 dev eth0 && ip link set eth0 up && "
                         f"ip route add default via {POD_GATEWAY}"]):
            subprocess.run(command, check=True)

    def _start(self, container: _Container) -> None:
        spec = container.spec
        image = self._image_root(spec["image"])
        if image is None:
            raise RuntimeError(f"container {spec['name']}: there is no image {spec['image']} here")
        root = self._folder / "roots" / f"{spec['name']}.{container.restarts + 1}"
        shutil.copytree(image, root, symlinks=True)
        self._write_hosts()
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc/host.conf").write_text("multi on\n")  # all addresses of a name that has several in /etc/hosts
        security = {**self.pod["spec"].get("securityContext", {}), **spec.get("securityContext", {})}
        mounts = [[str(self._hosts_file), "/etc/hosts", False]]
        for entry in spec.get("volumeMounts", []):
            source = self._volumes.path(entry["name"])
            if entry.get("subPath"):
                source = source / entry["subPath"]
            kind = next(volume for volume in self.pod["spec"]["volumes"] if volume["name"] == entry["name"])
            mounts.append([str(source), entry["mountPath"], entry.get("readOnly", False) or "emptyDir" not in kind])
        for outer, at, _ in mounts:  # volumes mounted below another one need a place there, as the kubelet makes it
            for _, target, _ in mounts:
                if target.startswith(at + "/"):
                    (Path(outer) / target[len(at) + 1:]).mkdir(parents=True, exist_ok=True)
        group = security.get("fsGroup")
        description = {
            "root": str(root), "mounts": mounts, "read_only": security.get("readOnlyRootFilesystem", False),
            "user": security.get("runAsUser", 65532) if self._has_users else None,
            "group": security.get("runAsGroup", security.get("runAsUser", 65532)), "groups": [] if group is None else [group],
            "no_new_privileges": not security.get("allowPrivilegeEscalation", True),
            "drop_capabilities": "ALL" in security.get("capabilities", {}).get("drop", []),
            "environment": self._environment(spec), "folder": spec.get("workingDir", "/"),
            # The image's ENTRYPOINT and CMD, where the pod has none.
            "command": [self._expand(word, spec) for word in
                        (spec.get("command") or ["/usr/bin/acr-admission"]) +
                        (spec.get("args") or ([] if spec.get("command") else ["serve", "--config", "/etc/acr-admission/config.yaml"]))]}
        file = self._folder / f"{spec['name']}.json"
        file.write_text(json.dumps(description))
        container.restarts += 1
        container.exit_code = None
        container.started_at = now()
        container.process = Process(
            spec["name"], ["nsenter", "-t", str(self._pause.pid), "--net", "--uts", "unshare", "--mount", "--pid", "--fork",
                           "--kill-child", sys.executable, str(Path(__file__).with_name("container.py")), str(file)],
            self._logs / f"{self.pod_name}.{spec['name']}.{container.restarts}.log")
        container.probes = {kind: _Probe(spec[kind], time.monotonic()) for kind in ("startupProbe", "readinessProbe", "livenessProbe")
                            if kind in spec}

    def _write_hosts(self) -> None:
        known = {"localhost": "127.0.0.1", self.pod_name: self.address, **self._hosts}
        lines = [(address, name) for name, address in known.items()]
        lines += [(address, name) for name, addresses in list(self._headless.items()) for address in addresses]
        text = "".join(f"{address} {name}\n" for address, name in lines)
        if not self._hosts_file.exists() or self._hosts_file.read_text() != text:
            self._hosts_file.write_text(text)  # in place: it is mounted

    def _environment(self, spec: dict) -> dict[str, str]:
        values = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": self.pod_name,
                  "KUBERNETES_SERVICE_HOST": KUBERNETES_SERVICE, "KUBERNETES_SERVICE_PORT": "443",
                  "KUBERNETES_SERVICE_PORT_HTTPS": "443"}
        pod = {**self.pod, "status": {**self.pod.get("status", {}), "podIP": self.address, "hostIP": NODE_ADDRESS}}
        for entry in spec.get("env", []):
            source = entry.get("valueFrom")
            if source is None:
                values[entry["name"]] = entry.get("value", "")
            elif "fieldRef" in source:
                values[entry["name"]] = field(pod, source["fieldRef"]["fieldPath"])
            elif "resourceFieldRef" in source:
                continue  # there are no cgroups here: the program finds no limit
            else:
                raise ValueError(f"this kubelet knows no environment like {entry}")
        if spec.get("envFrom"):
            raise ValueError("this kubelet knows no envFrom")
        return values

    def _expand(self, word: str, spec: dict) -> str:
        for name, value in self._environment(spec).items():
            word = word.replace(f"$({name})", value)
        return word

    # What the API is told.

    def _report(self) -> None:
        ready = all(container.ready for container in self._containers)
        phase = "Running"
        if all(container.exit_code is not None for container in self._containers) and (self._finished() or self._ending()):
            phase = "Succeeded" if all(container.exit_code == 0 for container in self._containers) else "Failed"
        elif not any(container.process for container in self._containers):
            phase = "Pending"

        if self._failed:
            phase = "Failed"

        def condition(kind: str, good: bool) -> dict:
            return {"type": kind, "status": "True" if good else "False"}

        status = {"phase": phase, "hostIP": NODE_ADDRESS, "podIP": self.address, "podIPs": [{"ip": self.address}],
                  "startTime": self._start_time, "message": self.trouble or None,
                  "conditions": [condition("PodReadyToStartContainers", True), condition("Initialized", phase != "Pending"),
                                 condition("ContainersReady", ready), condition("Ready", ready)],
                  "containerStatuses": [container.status() for container in self._containers]}
        essence = json.dumps([phase, self.trouble, ready, [(c.running, c.ready, c.restarts) for c in self._containers]])
        if essence == self._sent:
            return
        try:
            for entry in status["conditions"]:
                entry["lastTransitionTime"] = now()
            self._api.patch("Pod", self.pod_name, {"metadata": {"uid": self.pod["metadata"]["uid"]}, "status": status},
                            self.pod["metadata"]["namespace"], "status", STRATEGIC)
            self._sent = essence
        except (Refused, OSError, http.client.HTTPException):
            pass  # the pod is gone or newer, or the API server is away: the next step tries again, or knows better
