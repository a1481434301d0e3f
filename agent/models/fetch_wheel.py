"""Run by baton: `python3 -c THIS PACKAGE==VERSION MEMBER-PATTERN OUTPUT-FILE FOLDER [pip arguments...]`.

Downloads one wheel into FOLDER (on the disk of the models, not in /tmp) and leaves the one member that matches the pattern in OUTPUT-FILE,
which appears whole or not at all. Says what is wrong in one line on standard error and exits with 1.
"""
import fnmatch
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile


def fetch(requirement, pattern, output, folder, pip_arguments):
    wheels = pathlib.Path(folder) / "wheel"
    shutil.rmtree(wheels, ignore_errors=True)
    wheels.mkdir(parents=True)
    environment = dict(os.environ, TMPDIR=str(wheels))
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-deps",
               "--only-binary", ":all:", "--dest", str(wheels), *pip_arguments, requirement]
    try:
        pip = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if pip.returncode != 0:
            lines = [line.strip() for line in pip.stdout.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
            raise ValueError("; ".join(errors) or f"pip exited with {pip.returncode}")
        files = list(wheels.glob("*.whl"))
        if len(files) != 1:
            raise ValueError(f"pip brought {len(files)} wheels, not one")
        with zipfile.ZipFile(files[0]) as wheel:
            members = [name for name in wheel.namelist() if fnmatch.fnmatchcase(name, pattern)]
            if len(members) != 1:
                raise ValueError(f"{files[0].name} has {len(members)} members that match {pattern}, not one")
            with wheel.open(members[0]) as source, open(wheels / "member", "wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        os.replace(wheels / "member", output)
    finally:
        shutil.rmtree(wheels, ignore_errors=True)


if __name__ == "__main__":
    try:
        fetch(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        sys.exit(1)
