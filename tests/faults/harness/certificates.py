"""Certificate authorities and certificates for localhost, made with openssl."""

import os
import subprocess
from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    def __init__(self, folder: Path, name: str, environment: dict[str, str] | None = None):
        """`environment` is openssl's: with another clock, certificates begin at another time."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = name
        self._environment = {**os.environ, **(environment or {})}
        self._issued = 0
        self._openssl("req", "-x509", *_KEY, "-days", "365", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign", "-keyout", f"{name}.key", "-out", f"{name}.crt")

    @property
    def certificate(self) -> Path:
        return self._folder / f"{self._name}.crt"

    def issue(self) -> tuple[Path, Path]:
        """Certificate and key of another one for localhost."""
        self._issued += 1
        leaf = f"{self._name}-{self._issued}"
        (self._folder / f"{leaf}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
                                                  "keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
        self._openssl("req", *_KEY, "-subj", "/CN=localhost", "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr")
        self._openssl("x509", "-req", "-in", f"{leaf}.csr", "-CA", f"{self._name}.crt", "-CAkey", f"{self._name}.key", "-CAcreateserial",
                      "-days", "365", "-extfile", f"{leaf}.ext", "-out", f"{leaf}.crt")
        return self._folder / f"{leaf}.crt", self._folder / f"{leaf}.key"

    def _openssl(self, *arguments: str) -> None:
        result = subprocess.run(["openssl", *arguments], cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"openssl {' '.join(arguments)}: {result.stderr.strip()}")
