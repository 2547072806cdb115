"""The catalog of devices: figures that agree with one another, and names that tell types apart."""

from __future__ import annotations

import pytest

from reelyard.catalog import Architecture, DeviceType, Figure, load_catalog
from reelyard.catalog.identify import device_type, find_device

DEVICES = load_catalog().devices
GIB = 1024.0**3
EVERY = pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES.keys())
EXPECTED = """
jetson-orin-nano-8gb jetson-agx-orin-32gb jetson-agx-orin-64gb jetson-agx-thor rtx-3060 rtx-3090
rtx-4070 rtx-4080 rtx-4090 rtx-4090d rtx-5090 rtx-a6000 rtx-6000-ada rtx-pro-6000 l4 l20 l40s a10
a40 a100-40gb a100-80gb h100-pcie h100-nvl h100-sxm h20 h200 h200-nvl b200 gb200 gb10 mi300x cpu
"""
"""Ids that stand in farms' databases and in published measurements: none may go."""

NVML = [  # name, MiB as NVML counts them, type
    ("NVIDIA GeForce RTX 3060", 12288, "rtx-3060"),
    ("NVIDIA GeForce RTX 3080", 10240, "rtx-3080"),
    ("NVIDIA GeForce RTX 3080", 20480, "rtx-3080"),  # rebuilt with twice the memory
    ("NVIDIA GeForce RTX 3090", 24576, "rtx-3090"),
    ("GeForce RTX 3090", 24268, "rtx-3090"),  # drivers before 470 leave NVIDIA out
    ("NVIDIA GeForce RTX 4060 Ti", 16380, "rtx-4060-ti-16gb"),
    ("NVIDIA GeForce RTX 4070", 12282, "rtx-4070"),
    ("NVIDIA GeForce RTX 4070 SUPER", 12282, "rtx-4070-super"),
    ("NVIDIA GeForce RTX 4070 Ti SUPER", 16376, "rtx-4070-ti-super"),
    ("NVIDIA GeForce RTX 4080", 16376, "rtx-4080"),
    ("NVIDIA GeForce RTX 4080 SUPER", 16376, "rtx-4080-super"),
    ("NVIDIA GeForce RTX 4090", 24564, "rtx-4090"),
    ("NVIDIA GeForce RTX 4090", 49140, "rtx-4090"),
    ("NVIDIA GeForce RTX 4090 D", 24564, "rtx-4090d"),
    ("NVIDIA GeForce RTX 5060 Ti", 16311, "rtx-5060-ti-16gb"),
    ("NVIDIA GeForce RTX 5070", 12227, "rtx-5070"),
    ("NVIDIA GeForce RTX 5070 Ti", 16303, "rtx-5070-ti"),
    ("NVIDIA GeForce RTX 5080", 16303, "rtx-5080"),
    ("NVIDIA GeForce RTX 5090", 32607, "rtx-5090"),
    ("NVIDIA RTX A6000", 49140, "rtx-a6000"),
    ("NVIDIA RTX 6000 Ada Generation", 49140, "rtx-6000-ada"),
    ("NVIDIA RTX 6000 Ada Generation", 46068, "rtx-6000-ada"),  # with ECC
    ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 97887, "rtx-pro-6000"),
    ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 97887, "rtx-pro-6000"),
    ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 97887, "rtx-pro-6000-max-q"),
    ("NVIDIA L4", 23034, "l4"),
    ("NVIDIA L20", 46068, "l20"),
    ("NVIDIA L40S", 46068, "l40s"),
    ("NVIDIA A10", 23028, "a10"),
    ("NVIDIA A40", 46068, "a40"),
    ("NVIDIA A100-PCIE-40GB", 40960, "a100-40gb"),
    ("A100-PCIE-40GB", 40536, "a100-40gb"),
    ("NVIDIA A100-SXM4-40GB", 40960, "a100-40gb-sxm"),
    ("NVIDIA A100-SXM4-80GB", 81920, "a100-80gb"),
    ("NVIDIA A800-SXM4-80GB", 81920, "a100-80gb"),
    ("NVIDIA A100 80GB PCIe", 81920, "a100-80gb-pcie"),
    ("NVIDIA A800 80GB PCIe", 81920, "a100-80gb-pcie"),
    ("NVIDIA H100 PCIe", 81559, "h100-pcie"),
    ("NVIDIA H100 NVL", 95830, "h100-nvl"),
    ("NVIDIA H100 80GB HBM3", 81559, "h100-sxm"),
    ("NVIDIA H800", 81559, "h100-sxm"),
    ("NVIDIA H20", 97871, "h20"),
    ("NVIDIA H200", 143771, "h200"),
    ("NVIDIA H200 NVL", 143771, "h200-nvl"),
    ("NVIDIA B200", 183359, "b200"),
    ("NVIDIA GB200", 189471, "gb200"),
    ("NVIDIA GB10", 122570, "gb10"),
]
UNKNOWN = [
    ("NVIDIA GeForce RTX 4090 Laptop GPU", 16376),
    ("NVIDIA GeForce RTX 3080 Laptop GPU", 16384),
    ("NVIDIA GeForce RTX 5090 Laptop GPU", 24463),
    ("NVIDIA GeForce RTX 5090 D", 32607),
    ("NVIDIA GeForce RTX 3080", 12288),  # a card of its own, with more of everything
    ("NVIDIA GeForce RTX 3080 Ti", 12288),
    ("NVIDIA GeForce RTX 3060", 8192),  # half the bus of the 12 GB card
    ("NVIDIA GeForce RTX 3060 Ti", 8192),
    ("NVIDIA GeForce RTX 4060 Ti", 8188),
    ("NVIDIA GeForce RTX 4070 Ti", 12282),
    ("NVIDIA A10G", 23028),
    ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", 40448),
    ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", 9984),
    ("GRID A100-40C", 40960),
    ("NVIDIA A40-48Q", 49152),
    ("NVIDIA H100", 95830),
    ("NVIDIA GH200 480GB", 97871),
    ("Quadro RTX 6000", 24576),
    ("Tesla V100-SXM2-32GB", 32768),
    ("Tesla T4", 15360),
    ("Graphics Device", 24564),
    ("", 24564),
]


@pytest.mark.parametrize(("name", "mib", "id"), NVML)
def test_a_card_is_known_by_what_nvml_says(name: str, mib: int, id: str) -> None:
    found = device_type(name, mib / 1024, DEVICES)
    assert found is not None and found.id == id


@pytest.mark.parametrize(("name", "mib"), UNKNOWN)
def test_what_is_not_known_is_no_type(name: str, mib: int) -> None:
    assert device_type(name, mib / 1024, DEVICES) is None


def test_a_name_that_two_share_has_no_answer_without_memory() -> None:
    board = "NVIDIA Jetson AGX Orin Developer Kit"
    assert device_type(board, None, DEVICES) is None
    by_memory = [device_type(board, gib, DEVICES) for gib in (30.0, 61.4, 15.2)]
    ids = [found and found.id for found in by_memory]
    assert ids == ["jetson-agx-orin-32gb", "jetson-agx-orin-64gb", None]


@pytest.mark.parametrize(
    ("asked", "id"),
    [
        ("RTX 4090", "rtx-4090"),
        ("rtx4090", "rtx-4090"),
        ("4090", "rtx-4090"),
        ("RTX 4090 24GB", "rtx-4090"),
        (" NVIDIA GeForce RTX 4090 ", "rtx-4090"),
        ("RTX 4060 Ti 16GB", "rtx-4060-ti-16gb"),
        ("A6000", "rtx-a6000"),
        ("RTX 6000 Ada", "rtx-6000-ada"),
        ("RTX PRO 6000", "rtx-pro-6000"),
        ("A100 80GB", "a100-80gb"),
        ("A100 40GB", "a100-40gb"),
        ("H100", "h100-sxm"),
        ("H100 PCIe", "h100-pcie"),
        ("AGX Orin 64GB", "jetson-agx-orin-64gb"),
        ("Thor", "jetson-agx-thor"),
        ("DGX Spark", "gb10"),
        ("MI300X", "mi300x"),
        ("CPU", "cpu"),
    ],
)
def test_people_s_names(asked: str, id: str) -> None:
    found = find_device(asked, DEVICES)
    assert found is not None and found.id == id


@pytest.mark.parametrize("asked", ["A100", "AGX Orin", "RTX 4090 Laptop", "gpu", "RTX", "", "9090"])
def test_what_may_mean_several_or_none_means_none(asked: str) -> None:
    assert find_device(asked, DEVICES) is None


@EVERY
def test_a_type_is_found_by_its_id_its_title_and_each_name(device: DeviceType) -> None:
    gib = device.memory_gb.value * 1e9 / GIB
    assert find_device(device.id, DEVICES) == find_device(device.name, DEVICES) == device
    assert device.match
    for name in device.match:
        assert device_type(name, gib, DEVICES) == device


def test_no_type_that_farms_know_is_missing() -> None:
    assert set(EXPECTED.split()) <= DEVICES.keys()


@EVERY
def test_every_figure_says_where_it_comes_from(device: DeviceType) -> None:
    figures = [value for _, value in device if isinstance(value, Figure)]
    figures += [device.link.gb_s] if device.link else []
    assert len(figures) >= 9
    for figure in figures:
        kind, colon, derived = figure.source.partition(": ")
        if kind in {"estimate", "measured"}:
            assert colon and len(derived) > 3
        else:
            assert "sheet" in figure.source or "paper" in figure.source or "guide" in figure.source


@EVERY
def test_its_figures_agree(device: DeviceType) -> None:
    """What is measured may top the sheet a little: cards run above the clock that it counts on."""
    assert 0 < device.usable_gib.value < device.memory_gb.value * 1e9 / GIB
    assert 0.4 <= device.matmul_tflops.value / device.bf16_tflops.value <= 1.15
    least = device.least_w.value if device.least_w else device.idle_w.value
    assert device.idle_w.value < device.power_w.value and least <= device.power_w.value
    assert device.exp_t_s.value > 0 and device.bandwidth_gb_s.value > 0
    if device.architecture is not Architecture.CPU:
        assert device.fp32_tflops.value < device.bf16_tflops.value


@EVERY
def test_only_memory_of_its_own_is_copied_to(device: DeviceType) -> None:
    assert (device.host_gb_s is None) == device.unified


@EVERY
def test_lower_precision_is_never_slower_than_bf16(device: DeviceType) -> None:
    """By the data sheets; Ampere has no fp8."""
    for lower in (device.fp8_tflops, device.int8_tops):
        assert lower is None or lower.value >= 1.9 * device.bf16_tflops.value
    if device.architecture is Architecture.AMPERE:
        assert device.fp8_tflops is None
