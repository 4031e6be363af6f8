"""Sealing and opening: under which key, at which place, and what is left when a key is gone."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from shop_assistant.vault.models import SubjectKey
from shop_assistant.vault.sealing import WrongKey, decrypt, encrypt
from shop_assistant.vault.services import (
    ERASED,
    PREFIX,
    Opener,
    key_destroy,
    key_for,
    keys_create,
    lookup_token,
    sealer,
    unseal,
)

KEY = b"\x07" * 32

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(plain=st.binary(max_size=200), place=st.text(max_size=40))
def test_what_is_encrypted_opens_with_its_key_at_its_place_only(plain: bytes, place: str) -> None:
    sealed = encrypt(KEY, plain, place)
    assert decrypt(KEY, sealed, place) == plain
    assert sealed != encrypt(KEY, plain, place), "a nonce is used once"
    for key, text, where in (
        (b"\x08" * 32, sealed, place),
        (KEY, sealed, place + "x"),
        (KEY, sealed[:-1] + bytes([sealed[-1] ^ 1]), place),
        (KEY, bytes([sealed[0] ^ 1]) + sealed[1:], place),
        (KEY, sealed[:11], place),
        (KEY, b"", place),
    ):
        with pytest.raises(WrongKey):
            decrypt(key, text, where)


@pytest.fixture
def john(db: None) -> SubjectKey:
    row = key_for("CUST001")
    assert row is not None
    return row


def test_any_json_value_travels(john: SubjectKey) -> None:
    seal = sealer(john, "here")

    @given(value=json_values.filter(lambda value: value is not None))
    def travels(value: Any) -> None:
        sealed = seal(value)
        assert sealed.startswith(f"{PREFIX}{john.pk}:")
        assert unseal(sealed, "here") == value
        assert unseal({"a": [sealed, 1]}, "here") == {"a": [value, 1]}

    travels()


def test_one_subject_has_one_key(john: SubjectKey) -> None:
    assert key_for("CUST001") == john
    assert key_for("CUST002", create=False) is None
    assert key_for("CUST002") != john
    with pytest.raises(IntegrityError), transaction.atomic():
        SubjectKey.objects.create(subject="CUST001", master_key="test", wrapped=b"x")


def test_keys_lie_wrapped(john: SubjectKey) -> None:
    """48 bytes and a nonce: nothing of the data key itself is in the database."""
    assert len(bytes(john.wrapped or b"")) == 12 + 32 + 16
    assert john.master_key == "test"


def test_a_destroyed_key_is_gone_for_ever(john: SubjectKey) -> None:
    sealed = sealer(john, "here")("John Smith")
    other = key_for("CUST002")
    assert other is not None
    kept = sealer(other, "here")("Jane")
    assert key_destroy("CUST001") is True
    assert key_destroy("CUST001") is False
    assert unseal([sealed, kept], "here") == [ERASED, "Jane"]
    assert key_for("CUST001") is None, "and no new one is made in its place"
    row = SubjectKey.objects.get(subject="CUST001")
    assert (row.wrapped, row.destroyed_at is not None) == (None, True)


def test_the_database_knows_no_half_destroyed_key(john: SubjectKey) -> None:
    for change in ({"wrapped": None}, {"destroyed_at": john.created_at}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SubjectKey.objects.filter(pk=john.pk).update(**change)


def test_a_sealed_text_opens_nowhere_else(john: SubjectKey) -> None:
    sealed = sealer(john, "task|1")("John Smith")
    assert unseal(sealed, "task|2") == sealed
    other = key_for("CUST002")
    assert other is not None
    moved = sealed.replace(f":{john.pk}:", f":{other.pk}:")
    assert unseal(moved, "task|1") == moved
    with pytest.raises(WrongKey):
        Opener(moved).text(moved, "task|1")


@pytest.mark.parametrize(
    "text",
    [
        "sealed:",
        "sealed::",
        "sealed:1:",
        "sealed:x:AAAA",
        "sealed:1:not base64!",
        "sealed:-1:AAAA",
        "sealed:99999999999999999999:AAAA",
        "sealed:\u0661:AAAA",
        "sealed:1:AAAA:more",
        "sealed: secrets of the sea: part 1",
    ],
)
def test_what_only_looks_sealed_stays_as_it_is(text: str, john: SubjectKey) -> None:
    found = unseal({"a": text}, "here")["a"]
    assert found in (text, ERASED)
    assert unseal([text] * 3, "here") == [found] * 3


def test_a_new_master_key_seals_and_the_old_one_still_opens(john: SubjectKey, settings: Any) -> None:
    sealed = sealer(john, "here")("John Smith")
    settings.ENCRYPTION_KEYS = {"new": b"\x09" * 32, **settings.ENCRYPTION_KEYS}
    assert unseal(sealed, "here") == "John Smith"
    later = key_for("CUST003")
    assert later is not None
    assert later.master_key == "new"


def test_a_missing_master_key_is_named(john: SubjectKey, settings: Any) -> None:
    sealed = sealer(john, "here")("John Smith")
    settings.ENCRYPTION_KEYS = {"new": b"\x09" * 32}
    with pytest.raises(WrongKey, match="'test'"):
        unseal(sealed, "here")


def test_many_keys_at_once(db: None, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(2):
        made = keys_create(f"CUST{number}" for number in range(50))
    values = [sealer(row, "here")(subject) for subject, row in made.items()]
    with django_assert_max_num_queries(1):
        assert unseal(values, "here") == list(made)


def test_lookups_forget_case_and_space_and_reveal_nothing() -> None:
    token = lookup_token("email", "John@Example.com ")
    assert token == lookup_token("email", "john@example.com")
    assert token != lookup_token("phone", "john@example.com")
    assert len(token) == 12
    assert b"john" not in token


def test_lookups_need_the_key(settings: Any) -> None:
    before = lookup_token("email", "john@example.com")
    settings.LOOKUP_KEY = b"\x03" * 32
    assert lookup_token("email", "john@example.com") != before
