"""Checkpoints as signed notes: what one makes the other reads, and whatever is bent is refused."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.signed_note import (
    NoteError,
    Signer,
    make,
    open_note,
    parse,
    read,
    sign,
    verifier_read,
    verifier_string,
)

ROOT = bytes(range(32))
SHOP = Signer("shop.example/trail", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
WITNESS = Signer("witness", Ed25519PrivateKey.from_private_bytes(b"\x02" * 32))
NOTE = make("shop.example/trail", 42, ROOT, [SHOP, WITNESS])

# Published with the format's first implementation: https://pkg.go.dev/golang.org/x/mod/sumdb/note
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANNS = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def test_a_published_note_verifies():
    text, names = open_note(NEUMANNS, [NEUMANN])
    assert names == ("PeterNeumann",)
    assert text.endswith("your problem is.\n")
    with pytest.raises(NoteError, match="false"):
        open_note(NEUMANNS.replace("answer", "question"), [NEUMANN])


@pytest.mark.parametrize("verifier", [NEUMANN, SUMDB])
def test_published_verifiers_have_the_id_that_we_compute(verifier: str):
    assert verifier_string(*verifier_read(verifier)) == verifier


def test_a_checkpoint_has_three_lines_an_empty_one_and_signatures():
    origin, size, root, blank, first, second, end = NOTE.split("\n")
    assert (origin, size, base64.b64decode(root), blank, end) == ("shop.example/trail", "42", ROOT, "", "")
    assert first.startswith("— shop.example/trail ")
    assert second.startswith("— witness ")


def test_it_says_whose_signatures_hold():
    assert read(NOTE, [SHOP.verifier, WITNESS.verifier]).signed_by == ("shop.example/trail", "witness")
    found = read(NOTE, [WITNESS.verifier])
    assert (found.origin, found.size, found.root, found.signed_by) == ("shop.example/trail", 42, ROOT, ("witness",))
    assert parse(NOTE).signed_by == ()


def test_a_known_name_with_another_key_is_not_that_name():
    impostor = Signer("witness", Ed25519PrivateKey.generate())
    assert read(NOTE, [SHOP.verifier, impostor.verifier]).signed_by == ("shop.example/trail",)
    for known in ([impostor.verifier], []):
        with pytest.raises(NoteError, match="not by a key that is known"):
            read(NOTE, known)


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32), st.lists(st.text("aé x", min_size=1), max_size=3))
def test_what_is_made_is_read(size: int, root: bytes, extensions: list[str]):
    found = read(make("o", size, root, [SHOP], extensions), [SHOP.verifier])
    assert (found.size, found.root, found.extensions) == (size, root, tuple(extensions))


@given(st.integers(0, len(NOTE) - 1), st.sampled_from("\nA0+— é\x00"))
def test_a_note_with_one_character_changed_is_never_read_as_another(place: int, character: str):
    """It may still be read, by the other signature, where the change lies in a signature's name or key id."""
    bent = NOTE[:place] + character + NOTE[place + 1 :]
    try:
        found = read(bent, [SHOP.verifier, WITNESS.verifier])
    except NoteError:
        return
    assert (found.origin, found.size, found.root) == ("shop.example/trail", 42, ROOT)


@pytest.mark.parametrize(
    "text",
    [
        "o\n42\n",
        "o\n042\nROOT\n",
        "o\n-1\nROOT\n",
        "o\n42\nAAAA\n",
        "o\n42\nROOT=\n",
        "\n42\nROOT\n",
        "o\n42\nROOT\n\nlate\n",
        "o\n٤\nROOT\n",
    ],
)
def test_other_texts_are_no_checkpoints(text: str):
    signed = sign(text.replace("ROOT", base64.b64encode(ROOT).decode()), [SHOP])
    with pytest.raises(NoteError):
        read(signed, [SHOP.verifier])


@pytest.mark.parametrize(
    "note",
    ["", "\n", "\n\n", "o\n1\n", NOTE[:-1], NOTE.replace("— ", "- "), NOTE + "more\n", NOTE.replace("\n", "\r\n")],
)
def test_other_notes_are_refused(note: str):
    with pytest.raises(NoteError):
        read(note, [SHOP.verifier, WITNESS.verifier])


@pytest.mark.parametrize(
    "verifier",
    ["", "witness", "a+b+c", SHOP.verifier.replace("shop", "shap"), SHOP.verifier[:-4], "x y" + WITNESS.verifier[7:]],
)
def test_what_is_no_verifier_is_said_to_be_none(verifier: str):
    with pytest.raises(NoteError):
        verifier_read(verifier)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [("", 1, ROOT, ()), ("o\np", 1, ROOT, ()), ("o", -1, ROOT, ()), ("o", 1, b"x", ()), ("o", 1, ROOT, ("",))],
)
def test_nothing_malformed_is_signed(origin: str, size: int, root: bytes, extensions: tuple[str, ...]):
    with pytest.raises(NoteError):
        make(origin, size, root, [SHOP], extensions)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b"])
def test_a_name_that_would_break_the_line_signs_nothing(name: str):
    with pytest.raises(NoteError):
        make("o", 1, ROOT, [Signer(name, SHOP.key)])
    with pytest.raises(NoteError):
        make("o", 1, ROOT, [])
