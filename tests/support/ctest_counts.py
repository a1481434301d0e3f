"""Counts the cases of a ctest JUnit file: `ctest_counts.py FILE [--prefix TEXT]` prints "TEXTN passed, N failed, N skipped".

Exit status 1 if a case failed or if there was none. A case whose program was never built counts as failed, not as skipped.
"""
import argparse
import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        status = case.get("status")
        reason = case.find("skipped")
        if status == "run":
            passed += 1
        elif status == "disabled" or (reason is not None and reason.get("message", "").startswith("SKIP_")):
            skipped += 1
        else:
            failed += 1
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--prefix", default="")
    options = parser.parse_args()
    try:
        passed, failed, skipped = count(options.file)
    except (OSError, ElementTree.ParseError) as error:
        print(f"no test results in {options.file}: {error}", file=sys.stderr)
        passed, failed, skipped = 0, 1, 0
    print(f"{options.prefix}{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
