"""The cluster's certificates, made with openssl as kubeadm would lay them out."""

import subprocess
from pathlib import Path

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Pki:
    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / name

    def authority(self, name: str) -> None:
        self._openssl("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}",
                      "-addext", "basicConstraints=critical,CA:TRUE",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
                      "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def certificate(self, name: str, authority: str, subject: str, usage: str, alternative_names: str = "") -> None:
        extensions = f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n"
        if alternative_names:
            extensions += f"subjectAltName={alternative_names}\n"
        self.path(f"{name}.ext").write_text(extensions)
        self._openssl("req", *_KEY, "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
                      "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

    def signing_key(self, name: str) -> None:
        self._openssl("genrsa", "-out", f"{name}.key", "2048")
        self._openssl("rsa", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pub")

    def _openssl(self, *arguments: str) -> None:
        result = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise RuntimeError(f"openssl {' '.join(arguments)}: {result.stderr.strip()}")
