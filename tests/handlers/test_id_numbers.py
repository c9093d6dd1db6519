"""What is taken for an ID number. All of them are invented: region, day and number belong to nobody."""

import pytest

from handlers.id_texts import STRUCK_OUT, holds_id_number, without_id_numbers

NEW, OLD = "110101199003070011", "110101900307001"


@pytest.mark.parametrize(
    "text",
    [
        NEW,
        "11010119900307001x",
        "１１０１０１１９９００３０７００１１",
        "110101 19900307 0011",
        "1101-0119-9003-0700-11",
        "110101\u200b199003070011",
        f"我的身份证号{NEW}，请查",
        f"/payments {NEW}",
        f"19900005678 {NEW}",
        "电话19900005678\n身份证110101 19900307 0011",
        "19900005678 110101 1990 0307 0011",
        "110101199999990011",  # alone, with a slip in it
        OLD,
        "110101 900307 001",
        f"老身份证：{OLD}。",
    ],
)
def test_taken_for_one(text: str) -> None:
    assert holds_id_number(text)
    assert not holds_id_number(without_id_numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "厨房漏水，从三月开始",
        "19900005678",
        "19900005678，19900005679",
        "2-1-1801",
        "2026-07-01 10:20:30",
        "CQ202199990000000001",
        "420102190715012",  # an agreement's number, with the region and the day of its signing
        "协议 420102200715012",
        "6222021990030700110",  # a bank card, of 19 digits
        "110101901307001",  # no such month
    ],
)
def test_not_taken_for_one(text: str) -> None:
    assert not holds_id_number(text)
    assert without_id_numbers(text) == text


def test_the_rest_of_a_text_stays_as_it_was_written() -> None:
    text = f"① 户主（身份证１１０１０１１９９００３０７００１１）和老伴 {OLD}：\n屋顶漏水½年"
    assert without_id_numbers(text) == f"① 户主（身份证{STRUCK_OUT}）和老伴 {STRUCK_OUT}：\n屋顶漏水½年"
