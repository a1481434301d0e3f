"""The README's two commands in a bare Debian made by debootstrap: shows missing dependencies on a new machine. Needs root, network, most of
an hour."""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from tests.support.suite import ROOT, Unavailable, cache_dir, row

# Lets the bare system reach the same mirrors as this one; the commands need not install any of it themselves.
NETWORK_FILES = ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/apt/apt.conf.d"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # of this machine, which may verify its mirrors by an authority of its own
CERTIFICATES_THERE = "/srv/certificates.crt"         # not in place of the package's file, which its installation writes
NETWORK_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")
COMMANDS = {"quickstart": "./scripts/quickstart.sh", "test": "./scripts/test.sh"}


def codename():
    for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    raise Unavailable("/etc/os-release names no VERSION_CODENAME to debootstrap")


def make_root(folder):
    made = subprocess.run(["debootstrap", "--variant=minbase", codename(), folder], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Unavailable(f"debootstrap failed: {made.stdout[-500:]}{made.stderr[-500:]}")
    for name in NETWORK_FILES:
        source, target = pathlib.Path(name), pathlib.Path(folder + name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            # Only the network's settings: the docker images' clean-up rules and the like would make this another system.
            for file in source.glob("99*"):
                shutil.copy(file, target)
        elif source.is_file():
            shutil.copy(source, target)
    if os.path.isfile(CERTIFICATES):
        shutil.copy(CERTIFICATES, folder + CERTIFICATES_THERE)
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), folder + "/srv/baton"], check=True)


def run_inside(folder, command, log):
    """Exit status of a command in the checkout there; its mounts end with it."""
    environment = {name: os.environ[name] for name in NETWORK_VARIABLES if name in os.environ}
    environment |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/srv", "LC_ALL": "C.UTF-8"}
    if os.path.isfile(folder + CERTIFICATES_THERE):
        environment["PIP_CERT"] = CERTIFICATES_THERE
    inside = "env -i " + " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    inside += " bash -c " + shlex.quote(f"cd /srv/baton && {command}")
    script = f"mount -t proc proc {folder}/proc && mount --rbind /dev {folder}/dev && exec chroot {folder} {inside}"
    with open(log, "w", encoding="utf-8") as out:
        return subprocess.run(["unshare", "--mount", "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode


def rows(_baton, _models_dir, quick):
    if quick:
        raise Unavailable("builds everything in a new system: only without --quick")
    if os.geteuid() != 0:
        raise Unavailable("needs root for debootstrap and chroot: sudo scripts/check.sh cleanroom")
    if not shutil.which("debootstrap"):
        raise Unavailable("needs debootstrap: apt-get install debootstrap")
    cache_dir().mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="cleanroom-", dir=cache_dir())
    try:
        make_root(folder)
        for name, command in COMMANDS.items():
            started = time.monotonic()
            log = pathlib.Path(folder) / f"{name}.log"
            status = run_inside(folder, command, log)
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            if status != 0:
                print("\n".join(lines[-40:]), file=sys.stderr)
            yield row(f"{name} in a bare {codename()}", (time.monotonic() - started) / 60, "min", target="exit 0", ok=status == 0,
                      note=lines[-1] if lines else "")
            if status != 0:
                return
    finally:
        shutil.rmtree(folder, ignore_errors=True)
