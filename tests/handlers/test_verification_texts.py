"""Whether a text can be what verification asks for: by its form alone, and never refused where it could match."""

import random

import pytest

from api.identity.codes import ALPHABET, CODE_LENGTH, normalise_code
from api.identity.documents import as_digits
from api.identity.proofs import id_number_ends_with, number_ends_with
from handlers.verification_texts import characters, code_in, is_phone_number, is_too_short, tail_in
from tests.invented import invented

NUMBERS = (
    "AZ-2020-0034",
    "安字2021-0034号",
    "棚改〔2019〕安置补偿字第0034号",
    "CQ202199990000000001",
    "（2021）拆迁协议字第1034号之一",
    "2021-0034甲",
    "HT20210034（补）",
    "安字二〇二一-〇〇三四号",
)
SENTENCES = (
    "我不知道在哪里看",
    "后四位是什么？",
    "什么是后六位",
    "1962年出生的",
    "我住12号楼",
    "协议是2021年签的，找不到了",
    "what does this mean?",
    "where do I find the last 4?",
    "help",
    "返回",
    "……",
    "👍",
)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_end_of_every_number_is_tried_and_matches(number: str) -> None:
    """From the last four characters to the whole number, as it stands and as people write it."""
    for start in range(len(number)):
        end = number[start:]
        # Four letters at a number's end say nothing; with what stands before them they do.
        if len(characters(end)) < 4 or not any(one.isdigit() for one in as_digits(end)):
            continue
        for written in (end, end.lower(), end.replace("-", " "), f" {end}。"):
            tail = tail_in(written, 4)
            assert tail is not None, written
            assert number_ends_with(number, tail), (written, tail)


@pytest.mark.parametrize("length", [4, 6])
def test_the_end_of_an_id_number_in_every_spelling(length: int) -> None:
    dice = random.Random(3)
    chinese = str.maketrans("0123456789", "零幺二三四五六七八九")
    full_width = {ord(one): ord(one) + 0xFEE0 for one in "0123456789X"}
    for seed in range(50):
        number = invented(seed).id_number
        tail = number[-dice.choice([length, length, 8, 18]) :]
        for written in (
            tail,
            tail.lower(),
            tail.translate(chinese),
            tail.translate(full_width),
            " ".join(tail),
            "-".join(tail),
            f"尾号{tail}",
            f"我的身份证最后几位：{tail}。",
            f"it ends in {tail}",
            f"{tail}谢谢",
            f"{tail}？",
            f"是{tail}吗",
            f"您好，{tail}",
            f"{tail} 样本",
            f"{tail}（身份证）",
            "，".join(tail),
            f"last {length}: {tail}",
            f"后{length}位：{tail}",
            tail.translate(chinese).replace("X", "叉"),
        ):
            understood = tail_in(written, length)
            assert understood is not None, written
            assert id_number_ends_with(number, understood, length), (written, understood)
        assert not id_number_ends_with(number, "0" * length, length)


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("length", [4, 6])
def test_sentences_are_no_tails(sentence: str, length: int) -> None:
    assert tail_in(sentence, length) is None
    assert not is_too_short(sentence, length)


@pytest.mark.parametrize("few", ["1", "12", "0 1 x", "零三"])
def test_too_few_characters(few: str) -> None:
    assert tail_in(few, 4) is None
    assert is_too_short(few, 4)


def test_every_code_is_found_however_it_is_passed_on() -> None:
    dice = random.Random(5)
    for _ in range(200):
        code = "".join(dice.choice(ALPHABET) for _ in range(CODE_LENGTH))
        for written in (
            code,
            code.lower(),
            f"{code[:5]} {code[5:]}",
            f"{code[:5]}－{code[5:]}",
            f"邀请码是{code}",
            f"https://t.me/some_bot?start={code}",
            f"🏠 一份邀请，点这里：\nhttps://t.me/some_bot?start={code}\n\n或者发这个码：{code}",
        ):
            found = code_in(written)
            assert found is not None, written
            assert normalise_code(found) == code, written


@pytest.mark.parametrize("text", ["我没有", "what code?", "1234567890", "WRONGCODE1", "ABCDEFGHJ", "13812345678", ""])
def test_what_is_no_code(text: str) -> None:
    assert code_in(text) is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("13812345678", True),
        ("+86 138-1234-5678", True),
        ("１３８１２３４５６７８", True),
        ("123", False),
        ("2026-000001号", False),
    ],
)
def test_a_phone_number(text: str, is_one: bool) -> None:
    assert is_phone_number(text) is is_one
