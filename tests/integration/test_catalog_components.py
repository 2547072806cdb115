"""Every network of the catalog is what the catalog says: built on the meta device and counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from reelyard.catalog import Catalog, Component, Role, load_catalog
from worker.engines.measure.build import Network, build
from worker.engines.measure.component import measure, uses
from worker.engines.measure.counts import count
from worker.engines.measure.inputs import INPUTS
from worker.engines.measure.picture import is_picture_vae
from worker.engines.measure.record import counts_and_cards

CATALOG = load_catalog()
OF_TORCH = [one.id for one in CATALOG.components.values() if one.library != "onnx"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return CATALOG


def network(component: Component) -> Network:
    return Network(
        component.id,
        component.library,
        component.class_name,
        component.config_class,
        component.config,
    )


@pytest.mark.parametrize("name", OF_TORCH)
def test_its_sizes_are_exact(name: str, catalog: Catalog) -> None:
    component = catalog.components[name]
    found = count(build(network(component)))
    told = {field: getattr(component, field) for field in found.__slots__}
    assert told == {field: getattr(found, field) for field in found.__slots__}


@pytest.mark.parametrize("name", OF_TORCH)
def test_it_has_the_cards_that_its_role_needs(name: str, catalog: Catalog) -> None:
    component = catalog.components[name]
    used = uses(name, catalog.models.values())
    roles = {use.role for use in used}
    assert (component.denoiser is not None) == (Role.DENOISER in roles)
    assert (component.encoder is not None) == bool(roles & {Role.TEXT, Role.IMAGE})
    pictures = Role.VAE in roles and is_picture_vae(network(component))
    assert set(component.decode) == ({"bf16", "fp32"} if pictures else set())


def test_every_denoiser_is_of_a_family_that_can_be_measured(catalog: Catalog) -> None:
    denoisers = [one for one in catalog.components.values() if one.denoiser]
    assert {one.class_name for one in denoisers} <= set(INPUTS)


@pytest.mark.parametrize(
    "name", ["reelyard-demo-transformer", "reelyard-demo-vae", "wan2.1-t2v-1.3b", "clip-l-text"]
)
def test_a_card_is_what_it_was(name: str, catalog: Catalog) -> None:
    """Measured again, to the digit: the counts depend on no machine."""
    component = catalog.components[name]
    found = counts_and_cards(measure(network(component), uses(name, catalog.models.values())))
    card = component.model_dump(exclude_defaults=True)
    for part in ("denoiser", "encoder", "decode", "encode"):
        assert card.get(part) == found.get(part)
