"""Runs the examples of docs/audit.md over collected output of the program, and compares with the answers that stand below them.

An example is a block ```sh that names collected.log, directly followed by a block ```text: what it prints. Where the line before the
answer says "exit code N", that must be it. Usage: examples_test.py BINARY
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"^```sh\n(?P<commands>(?:(?!```).*\n)*?)```\n\s*(?P<between>[^`]*?)\s*^```text\n(?P<answer>(?:(?!```).*\n)*?)```\n", re.MULTILINE)


def examples(text):
    for found in EXAMPLE.finditer(text):
        if "collected.log" in found["commands"]:
            code = re.search(r"exit code (\d)", found["between"])
            yield found["commands"], found["answer"], int(code[1]) if code else 0


def main(binary):
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    found = list(examples(text))
    named = len([block for block in re.findall(r"^```sh\n((?:(?!```).*\n)*?)```", text, re.MULTILINE) if "collected.log" in block])
    if len(found) < 5 or len(found) != named:
        print(f"{named} blocks name collected.log, {len(found)} are examples with an answer", file=sys.stderr)
        return 1
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("collected.log", "new.yaml"):
            shutil.copy(ROOT / "tests" / "data" / "docs" / name, folder)
        tools = pathlib.Path(folder) / "tools"
        tools.mkdir()
        (tools / "acr-admission").symlink_to(pathlib.Path(binary).resolve())
        for commands, answer, code in found:
            ran = subprocess.run(["bash", "-c", commands], cwd=folder, capture_output=True, text=True, check=False, timeout=60,
                                 env={"PATH": f"{tools}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"})
            if (ran.stdout, ran.returncode) != (answer, code):
                failed += 1
                print(f"--- {commands}expected, with exit code {code}:\n{answer}got, with exit code {ran.returncode}:\n{ran.stdout}{ran.stderr}",
                      file=sys.stderr)
    print(f"{len(found)} examples, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
