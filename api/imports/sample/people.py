"""Invented people. Nobody real can be among them: the area code of their ID numbers (999900) is not assigned, and
their phones count up from 19900000000."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from random import Random

from api.identity.documents import id_check_character

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
    "苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段"
)
_TWO_CHARACTER_SURNAMES = ("欧阳", "司马", "诸葛", "上官")
_GIVEN = "禾沐知言安宁书远清和思源景行若水星河云舒望舒乐康平悦宜修长青怀瑾嘉木初晴春生秋实德福桂兰玉珍秀英建国"
_UNASSIGNED_AREA = "999900"
_YOUNGEST = date(2005, 12, 31)
_OLDEST = date(1938, 1, 1)


@dataclass
class SamplePerson:
    """Somebody in the sample, with what proves who they are."""

    name: str
    id_number: str
    phone: str
    agreements: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SamplePeople:
    """People picked to show what the system does.

    holder: relocated, one agreement, a handover that slipped, unpaid transition fee.
    buyer: two flats, two contracts.
    parent: relocated, one agreement; a child of theirs has no paper and is let in by a code.
    """

    holder: SamplePerson
    buyer: SamplePerson
    parent: SamplePerson

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, written: str) -> "SamplePeople":
        return cls(**{role: SamplePerson(**person) for role, person in json.loads(written).items()})


class PeopleMaker:
    """Makes people one after another; no two share an ID number or a phone."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._taken: set[str] = set()
        self._phones = 0

    def person(self) -> SamplePerson:
        return SamplePerson(self._name(), self._id_number(), self._phone())

    def _name(self) -> str:
        random = self._random
        surname = random.choice(_TWO_CHARACTER_SURNAMES if random.random() < 0.01 else _SURNAMES)
        return surname + "".join(random.choice(_GIVEN) for _ in range(1 if random.random() < 0.2 else 2))

    def _id_number(self) -> str:
        while True:
            born = _OLDEST + timedelta(days=self._random.randrange((_YOUNGEST - _OLDEST).days))
            first17 = f"{_UNASSIGNED_AREA}{born:%Y%m%d}{self._random.randrange(1, 1000):03d}"
            if first17 not in self._taken:
                self._taken.add(first17)
                return first17 + id_check_character(first17)

    def _phone(self) -> str:
        self._phones += 1
        return str(19_900_000_000 + self._phones)
