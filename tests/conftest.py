"""What tests share: the shipped playbook, text engine, model and detector, made once; and how properties are tried."""

import pytest
from hypothesis import settings

from detector.detect import Detector
from detector.playbook import Playbook, load_playbook
from models.classifier import Classifier
from pipelines import assemble
from pipelines.nlp import SpacyReader
from pipelines.settings import Settings

# The same examples at each run, so that a failure is the change's and not the day's; no database is left behind.
settings.register_profile("tests", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def playbook() -> Playbook:
    """The shipped playbook."""
    return load_playbook()


@pytest.fixture(scope="session")
def reader(playbook: Playbook) -> SpacyReader:
    """The text engine for the shipped playbook."""
    return assemble.text_reader(playbook)


@pytest.fixture(scope="session")
def classifier(playbook: Playbook) -> Classifier:
    """The shipped model as the scorer of the shipped playbook."""
    return assemble.classifier(Settings(_env_file=None), playbook)


@pytest.fixture(scope="session")
def detector(playbook: Playbook, reader: SpacyReader, classifier: Classifier) -> Detector:
    """The detector as it is shipped."""
    return Detector(playbook=playbook, reader=reader, scorer=classifier)
