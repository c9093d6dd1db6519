"""What a building reads of a complaint: words that lead to a family are found, and ordinary ones let through."""

import unicodedata

import pytest

from api.cases.published_words import holds_number, names_address, names_agreement, names_person, names_room

ADDRESS, AGREEMENT = "样本路12号3栋2单元501室", "安字2021-0034号"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "方编造家漏水",
            "方 编 造",
            "方-编-造",
            "方*造",
            "方XX",
            "方某某",
            "姓方的",
            "方先生",
            "方伯伯",
            "方奶奶",
            "方书记",
        ),
        *("编造家的窗户", "编造他们那层"),
    ],
)
def test_a_person_is_named(text: str) -> None:
    assert names_person("方编造", text)


def test_a_person_of_another_script_is_named() -> None:
    for text in ("Mr Sample has no water", "Sam Sample has no water", "sample, sam"):
        assert names_person("Sam Sample", text), text
    assert not names_person("Sam Sample", "the samples of the wall")
    assert names_person("王编造", "老王家")
    assert names_person("欧阳编造", "欧阳家")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            ("王建设", "建设单位一直没有复工"),
            ("刘卫生", "卫生间漏水"),
            ("李和平", "和平路停水"),
            ("张国庆", "国庆期间停水"),
        ),
        *(
            ("区编造", "小区路灯不亮"),
            ("楼编造", "老楼漏水"),
            ("时编造", "停水十几小时"),
            ("方编造", "施工方家里没人管"),
        ),
        *(("管编造", "物业管家"), ("全编造", "全家都等着"), ("高编造", "提高家庭安全"), ("于编造", "关于老人的补助")),
        *(("王编造", "大家都反映楼道漏水"), ("李编造", "行李箱丢了")),
    ],
)
def test_ordinary_words_name_nobody(name: str, text: str) -> None:
    assert not names_person(name, text)


@pytest.mark.parametrize("text", ["1201", "１２０１漏水", "12楼01", "12层01室", "12-01", "一二零一室", "我们1201漏水"])
def test_a_room_is_named(text: str) -> None:
    assert names_room("1201室", unicodedata.normalize("NFKC", text))


@pytest.mark.parametrize(
    ("room", "text"),
    [
        *(("12", "2012年至今"), ("12", "12月停工"), ("01", "2001年"), ("车库", "地下车库积水"), ("200", "200多户")),
        *(("120", "拨打120"), ("2019", "2019年开始"), ("302", "停水302天")),
    ],
)
def test_what_counts_something_is_no_room(room: str, text: str) -> None:
    assert not names_room(room, text)


def test_a_former_home_and_an_agreement_are_named() -> None:
    assert names_address(ADDRESS, "样本路12号3栋501的人家")
    assert not names_address(ADDRESS, "样本路停水")
    for text in ("安字20210034号", "2021-0034", "0034号协议", "协议尾号0034"):
        assert names_agreement(AGREEMENT, text), text
    assert not names_agreement(AGREEMENT, "2021年3月到4月")


@pytest.mark.parametrize(
    "text",
    [
        *("13900000000 13900000001", "501 13900000000", "139.0000.0000", "139—0000—0000", "139/0000/0000"),
        *("0999-88880000", "999900194801010015", "9999 0019 4801 0100 15"),
    ],
)
def test_a_telephone_and_an_id_number_are_found(text: str) -> None:
    assert holds_number(text)


@pytest.mark.parametrize("text", ["二单元12层23户反映楼道漏水。", "2021年3月15日至今，共200户", "停工3000多天"])
def test_figures_are_no_numbers_of_anybody(text: str) -> None:
    assert not holds_number(text)
