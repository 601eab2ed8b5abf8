"""Every code that `check` can give."""

from collections.abc import Mapping

from gateway.topics.codes_meaning import MEANING
from gateway.topics.codes_reading import READING
from gateway.topics.topic import Code

CODES: Mapping[str, Code] = {one.code: one for one in (*READING, *MEANING)}
