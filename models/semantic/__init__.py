"""The semantic tier: a small sentence encoder that is asked where the classifier is unsure."""

from models.semantic.tier import MANIFEST, SHIPPED_FOLDER, Tier, installed, load

__all__ = ["MANIFEST", "SHIPPED_FOLDER", "Tier", "installed", "load"]
