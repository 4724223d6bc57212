"""A bill of materials in the format CycloneDX, of everything that an installation consists of."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply_chain.licenses import license_of
from supply_chain.lock_files import NPM, Package

_HASHES: Final = HashTypeFactory()
_LICENSES: Final = LicenseFactory()


def bill_of_materials(name: str, version: str, packages: Iterable[Package]) -> str:
    """Return the document as JSON; its serial number depends on the packages only."""
    product = Component(name=name, version=version, type=ComponentType.APPLICATION, bom_ref=name)
    components = {
        component.bom_ref.value or "": component for component in map(_component, packages)
    }
    bom = Bom(components=components.values())
    bom.metadata.component = product
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {version} {sorted(components)}")
    bom.register_dependency(product, components.values())
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(package: Package) -> Component:
    address = _package_url(package)
    hashes = [_HASHES.from_hashlib_alg(name, digits) for name, digits in package.hashes]
    is_npm = package.ecosystem == NPM
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(address),
        purl=address,
        licenses=[_LICENSES.make_from_string(license_of(package))],
        scope=ComponentScope.OPTIONAL if package.is_optional else ComponentScope.REQUIRED,
        hashes=hashes if is_npm else (),
        external_references=() if is_npm else [_files(package, hashes)],
    )


def _package_url(package: Package) -> PackageURL:
    namespace, _, name = package.name.rpartition("/")
    return PackageURL(package.ecosystem, namespace or None, name, package.version)


def _files(package: Package, hashes: Iterable[HashType]) -> ExternalReference:
    """Return the page of a Python package's files, of which an installation uses one, with their hashes."""
    address = XsUri(f"https://pypi.org/project/{package.name}/{package.version}/#files")
    return ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=address, hashes=hashes)
