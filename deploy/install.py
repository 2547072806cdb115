#!/usr/bin/env python3
"""Makes the virtual environment and installs Reelyard into it. Standard library only; no root.

    python3 deploy/install.py run       what `make demo` and `make up` need
    python3 deploy/install.py dev       the same and the tests' tools

Stock machines differ: without `ensurepip` it uses virtualenv (`pip install --target`, which an
externally managed Python allows); without an NVIDIA driver it looks for the CPU build of torch.
A second call with nothing changed does nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENV = ROOT / ".venv"
PYTHON = ENV / "bin" / "python"
TORCH = "2.13.0"
EXTRAS = {
    "run": "coordinator,worker,dashboard,s3,postgres",
    "dev": "coordinator,worker,dashboard,s3,postgres,dev",
}
SIZES = {
    "run": "about 290 MB to download, 1.6 GB on disk (torch is half of it)",
    "dev": "about 420 MB to download, 2.1 GB on disk (torch, and PostgreSQL and S3 for the tests)",
}


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) == 2 else ""
    if wanted not in EXTRAS:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.version_info < (3, 11):
        return refuse(
            f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.",
            "Call make with another one: make PYTHON=python3.12 demo",
        )
    if is_installed(wanted):
        return 0
    print(f"Installing Reelyard into .venv: {SIZES[wanted]}.", flush=True)
    make_environment()
    install_torch()
    pip(
        "install", "--quiet", "-e", f"{ROOT}[{EXTRAS[wanted]}]", "-c", str(ROOT / "constraints.txt")
    )
    stamp(wanted).write_text(fingerprint(), encoding="utf-8")
    print("Installed.", flush=True)
    return 0


def refuse(why: str, remedy: str) -> int:
    print(f"{why}\n{remedy}", file=sys.stderr)
    return 1


def stamp(wanted: str) -> Path:
    return ENV / f".reelyard-{wanted}"


def fingerprint() -> str:
    """Changes when what is to be installed changes, or the checkout moves."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_installed(wanted: str) -> bool:
    """`dev` holds all of `run`."""
    return PYTHON.exists() and any(
        stamp(name).is_file() and stamp(name).read_text(encoding="utf-8") == fingerprint()
        for name in {wanted, "dev"}
    )


def make_environment() -> None:
    if PYTHON.exists():
        return
    if not has_ensurepip():
        print("This Python has no ensurepip; using virtualenv instead.", flush=True)
        make_with_virtualenv()
        return
    try:
        venv.create(ENV, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        print("This Python cannot make an environment; using virtualenv instead.", flush=True)
        shutil.rmtree(ENV, ignore_errors=True)
        make_with_virtualenv()


def has_ensurepip() -> bool:
    """Debian keeps it in a package of its own."""
    try:
        return importlib.util.find_spec("ensurepip.__main__") is not None
    except ModuleNotFoundError:
        return False


def make_with_virtualenv() -> None:
    """`--target` is allowed where the system's Python is externally managed."""
    boot = ROOT / ".boot"
    here = [sys.executable, "-m"]
    run([*here, "pip", "install", "--quiet", "--target", str(boot), "virtualenv"])
    run([*here, "virtualenv", "--quiet", str(ENV)], {**os.environ, "PYTHONPATH": str(boot)})


def install_torch() -> None:
    """The CPU build where no NVIDIA driver is present, if it can be had; else the ordinary one."""
    if has_torch():
        return
    if has_nvidia():
        print("An NVIDIA driver is here: installing torch with CUDA (several GB).", flush=True)
        pip("install", "--quiet", f"torch==={TORCH}")
        return
    index = os.environ.get("REELYARD_TORCH_INDEX", "")
    tries = [["--retries", "0", f"torch=={TORCH}+cpu"]]
    tries += [["--index-url", index, f"torch=={TORCH}+cpu"]] if index else []
    if any(pip_works("install", "--quiet", *arguments) for arguments in tries):
        return
    print(
        "No CPU build of torch was found: installing the ordinary one, which on x86 brings CUDA "
        "(about 3 GB). To avoid that, set REELYARD_TORCH_INDEX to PyTorch's index of CPU wheels "
        "and run this again.",
        flush=True,
    )
    pip("install", "--quiet", f"torch=={TORCH}")


def has_torch() -> bool:
    return silent([str(PYTHON), "-c", "import torch"])


def has_nvidia() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or (
        shutil.which("nvidia-smi") is not None and silent(["nvidia-smi", "-L"])
    )


def pip(*arguments: str) -> None:
    run([str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments])


def pip_works(*arguments: str) -> bool:
    return silent([str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments])


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, env=environment, check=False)
    if done.returncode:
        print(f"This failed: {' '.join(command)}", file=sys.stderr)
        sys.exit(done.returncode)


def silent(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
