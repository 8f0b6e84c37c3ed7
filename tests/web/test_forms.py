from flask import Flask
from wtforms import StringField, TextAreaField

from kap.web.forms import VersionedForm


class PageForm(VersionedForm):
    title = StringField()
    words = TextAreaField()


def sent(app: Flask, **data: str) -> PageForm:
    with app.test_request_context(method="POST", data=data):
        return PageForm()


def test_names_lose_stray_space_and_words_do_not(app: Flask) -> None:
    form = sent(app, title="  Moss ", words=" a\n ")
    assert (form.title.data, form.words.data) == ("Moss", " a\n ")


def test_line_ends_of_forms_and_scripts_are_the_same_words(app: Flask) -> None:
    assert sent(app, words="a\r\nb\rc\n").words.data == "a\nb\nc\n"


def test_a_form_that_goes_on_from_another_version_shows_that_one(app: Flask) -> None:
    form = sent(app, version="3")
    assert (form.version.data, 'value="3"' in form.version()) == (3, True)
    form.take_version(5)
    assert (form.version.data, 'value="5"' in form.version()) == (5, True)


def test_a_nul_is_no_part_of_a_title_but_may_be_of_what_is_sealed(app: Flask) -> None:
    form = sent(app, title="Mo\0ss", words="a\0b")
    assert (form.title.data, form.words.data) == ("Moss", "a\0b")
