"""What the farm can render and speak with, and on what: models, the networks they are made of,
devices, voices and styles, from TOML, checked on load.

A farm adds its own with a file of the same form (`REELYARD_CATALOG_FILE`). Never loads a model and
never touches the network.
"""

from __future__ import annotations

from reelyard.catalog.component import Component, DenoiserCard, EncoderCard, PictureCard
from reelyard.catalog.device import Architecture, DeviceType, Figure, Link
from reelyard.catalog.load import Catalog, load_catalog
from reelyard.catalog.model import GuidanceBy, Part, Role, VideoModel, id_of
from reelyard.catalog.voice import Style, Voice

__all__ = [
    "Architecture",
    "Catalog",
    "Component",
    "DenoiserCard",
    "DeviceType",
    "EncoderCard",
    "Figure",
    "GuidanceBy",
    "Link",
    "Part",
    "PictureCard",
    "Role",
    "Style",
    "VideoModel",
    "Voice",
    "id_of",
    "load_catalog",
]
