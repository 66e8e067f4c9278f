"""The HTML pieces escape all that is not markup already."""

import base64

from VertebraFLTLib.report.html import Column, Markup, box, facts, items, join, picture, safe, table, tag


def test_text_is_escaped_once_and_markup_is_left_alone():
    assert safe('<b> & "q"') == "&lt;b&gt; &amp; &quot;q&quot;"
    assert tag("p", tag("b", "<&>")) == "<p><b>&lt;&amp;&gt;</b></p>"
    assert safe(Markup("<i>")) == "<i>" and join(["<", 1], "") == "&lt;1"


def test_attributes_are_escaped_and_left_out_when_none():
    assert tag("p", "x", class_='"><script>', title=None) == '<p class="&quot;&gt;&lt;script&gt;">x</p>'


def test_a_table_marks_numbers_and_rows():
    text = table([Column("A<"), Column("n", True)], [("<x>", 1), ("y", 2)], ["low", None])
    assert '<th scope="col">A&lt;</th>' in text and '<td class="t">&lt;x&gt;</td><td class="n">1</td>' in text
    assert text.count('<tr class="low">') == 1 and text.count("<tr") == 3


def test_boxes_lists_and_facts_escape():
    for piece in (box("warning", "<x>"), items(["<x>"]), facts([("<x>", "<x>")])):
        assert "<x>" not in piece and "&lt;x&gt;" in piece


def test_a_picture_carries_its_bytes():
    text = picture(b"\x89PNG", 'a "view"', "caption")
    assert base64.b64encode(b"\x89PNG").decode() in text and 'alt="a &quot;view&quot;"' in text
