"""An invented estate as the four rolls of a task force: for demos, tests, training and measuring."""

from api.imports.sample.generator import Sample, write_sample
from api.imports.sample.people import SamplePeople, SamplePerson

__all__ = ["Sample", "SamplePeople", "SamplePerson", "write_sample"]
