"""`python -m supply_chain check|licenses|sbom`: the lock files of this checkout."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Final

from supply_chain.bill_of_materials import bill_of_materials
from supply_chain.licenses import license_of
from supply_chain.lock_files import Package, problems, read

PROJECT: Final = Path(__file__).resolve().parent.parent
INSTALLED: Final = (PROJECT / "requirements.lock", PROJECT / "toolchain" / "package-lock.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m supply_chain", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="find packages that are not pinned by a hash")
    check.add_argument("files", nargs="*", type=Path, help="default: all lock files")
    commands.add_parser("licenses", help="list the packages of an installation with their licenses")
    sbom = commands.add_parser("sbom", help="write a bill of materials in the format CycloneDX")
    sbom.add_argument("file", type=Path)
    options = parser.parse_args()
    if options.command == "check":
        return _check(options.files or lock_files())
    if options.command == "licenses":
        return _print_licenses()
    return _write(options.file)


def lock_files() -> list[Path]:
    """Return all lock files of the checkout, including those of the development tools."""
    return [*sorted(PROJECT.glob("requirements*.lock")), INSTALLED[-1]]


def installed_packages() -> list[Package]:
    """Return the packages of an installation, without those that only development needs."""
    return [p for path in INSTALLED for p in read(path) if not p.is_development]


def _check(files: list[Path]) -> int:
    found = [problem for file in files for problem in problems(file)]
    print("\n".join(found) if found else "Every package is pinned by a hash.")
    return 1 if found else 0


def _print_licenses() -> int:
    for package in installed_packages():
        print(f"{package.ecosystem}\t{package.name}\t{package.version}\t{license_of(package)}")
    return 0


def _write(file: Path) -> int:
    about = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = bill_of_materials(about["name"], about["version"], installed_packages())
    file.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
