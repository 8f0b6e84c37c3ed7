import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kap.music.arcs import arc_from, arcs
from kap.music.exchange import FORMATS, Known, Listing, ListingError, Wanted, identifiers, match, read, write
from kap.music.exchange.cue import FRAMES
from kap.music.exchange.listing import tidied

MBID = "5b11f4ce-a62d-471e-81fc-a69a8278c7da"
DIGEST = "ab" * 32

PROGRAMME = Listing(
    title="IV, 75 min",
    creator="Practice “Am Fluß”",
    note="For the big room",
    entries=(
        Wanted(
            "Still Water",
            "Kap",
            "First Light",
            301.25,
            identifiers(digest=DIGEST),
            "still-water.flac",
            intensity=0.1,
            gain_db=-2.5,
            start_s=0.0,
            pinned_at_s=0.0,
        ),
        Wanted("Silence", silence_s=30.0, start_s=301.0),
        Wanted(
            "Nimrod & co. <live>",
            "Edward Elgar",
            "",
            240.0,
            identifiers(recording_mbid=MBID, isrc="GB-AYE-69-00531"),
            "nimrod.mp3",
            "Slow",
            start_s=331.0,
        ),
    ),
    arc=arcs()["iv-40"].as_dict(),
    length_s=4500.0,
    surplus_s=900.0,
    seed=3,
    sound_file="iv-75-min.flac",
)


@pytest.mark.parametrize("name", ["jspf", "xspf", "m3u8"])
def test_a_programme_comes_back_whole(name: str) -> None:
    found = read(write(PROGRAMME, name).encode(), file_name=f"programme.{name}")
    assert found == PROGRAMME
    assert arc_from(found.arc or {}, slug="iv-40") == arcs()["iv-40"]


def test_a_cue_sheet_marks_the_tracks_of_one_file() -> None:
    assert write(PROGRAMME, "cue") == (
        'REM COMMENT "For the big room"\n'
        'PERFORMER "Practice “Am Fluß”"\n'
        'TITLE "IV, 75 min"\n'
        'FILE "iv-75-min.flac" WAVE\n'
        "  TRACK 01 AUDIO\n"
        '    TITLE "Still Water"\n'
        '    PERFORMER "Kap"\n'
        "    INDEX 01 00:00:00\n"
        "  TRACK 02 AUDIO\n"
        '    TITLE "Silence"\n'
        "    REM SILENCE 30.000\n"
        "    INDEX 01 05:01:00\n"
        "  TRACK 03 AUDIO\n"
        '    TITLE "Nimrod & co. <live>"\n'
        '    PERFORMER "Edward Elgar"\n'
        "    ISRC GBAYE6900531\n"
        "    INDEX 01 05:31:00\n"
    )


def test_a_cue_sheet_comes_back_with_what_it_can_hold() -> None:
    found = read(write(PROGRAMME, "cue").encode(), file_name="programme.cue")
    assert (found.title, found.creator, found.note, found.sound_file) == (
        *("IV, 75 min", "Practice “Am Fluß”", "For the big room"),
        "iv-75-min.flac",
    )
    assert found.entries == (
        Wanted("Still Water", "Kap", duration_s=301.0, start_s=0.0),
        Wanted("Silence", silence_s=30.0, start_s=301.0),
        Wanted("Nimrod & co. <live>", "Edward Elgar", identifiers=("urn:isrc:GBAYE6900531",), start_s=331.0),
    )


# What others write.

LISTENBRAINZ = {
    "playlist": {
        "creator": "rob",
        "date": "2020-04-26T22:51:14.153918+00:00",
        "extension": {
            "https://musicbrainz.org/doc/jspf#playlist": {
                "public": True,
                "additional_metadata": {"algorithm_metadata": {"source_patch": "daily-jams"}},
            }
        },
        "title": "1980s flashback jams",
        "track": [
            {
                "creator": "The Go-Go's",
                "identifier": f"https://musicbrainz.org/recording/{MBID}",
                "duration": "165000",
                "extension": {"https://musicbrainz.org/doc/jspf#track": {"added_by": "rob"}},
                "title": "Our Lips Are Sealed",
            },
            {
                "title": "Unknown length",
                "creator": None,
                "identifier": [],
                "duration": -1,
                "location": ["a.mp3"],
            },
        ],
    }
}


def test_a_list_of_listenbrainz_is_read() -> None:
    found = read(json.dumps(LISTENBRAINZ).encode(), file_name="playlist.json")
    assert found == Listing(
        title="1980s flashback jams",
        creator="rob",
        entries=(
            Wanted(
                "Our Lips Are Sealed",
                "The Go-Go's",
                duration_s=165.0,
                identifiers=(f"https://musicbrainz.org/recording/{MBID}",),
            ),
            Wanted("Unknown length", location="a.mp3"),
        ),
    )
    assert found.entries[0].recording_mbid == MBID


def test_our_extension_is_read_as_an_object_too() -> None:
    content = json.loads(write(PROGRAMME, "jspf"))
    for holder in (content["playlist"], *content["playlist"]["track"]):
        holder["extension"] = {uri: values[0] for uri, values in holder.get("extension", {}).items()}
    assert read(json.dumps(content).encode(), file_name="a.jspf") == PROGRAMME


def test_an_xspf_of_another_program_is_read() -> None:
    content = """<?xml version="1.0" encoding="ISO-8859-1"?>
        <!-- a comment --><playlist version="1" xmlns="http://xspf.org/ns/0/" xmlns:vlc="http://www.videolan.org/">
        <trackList><track><duration>61500</duration><vlc:id>0</vlc:id><title>Caf\u00e9</title>
        <location>file:///a%20b.mp3</location><extension application="other">x</extension></track></trackList>
        </playlist>"""
    assert read(content.encode(), file_name="a.xspf").entries == (
        Wanted("Café", duration_s=61.5, location="file:///a%20b.mp3"),
    )


def test_an_m3u_of_another_program_is_read() -> None:
    content = (
        "\ufeff#EXTM3U\r\n#EXTINF:61,Nils Frahm - Says\r\n..\\Music\\Says.mp3\r\n"
        '#EXTINF:-1 tvg-id="x",\r\nhttp://example.org/b/Second song.ogg\r\n\r\nbare.flac\r\n'
    )
    assert read(content.encode(), file_name="a.m3u").entries == (
        Wanted("Says", "Nils Frahm", duration_s=61.0, location="..\\Music\\Says.mp3"),
        Wanted("Second song", location="http://example.org/b/Second song.ogg"),
        Wanted("bare", location="bare.flac"),
    )


def test_an_older_encoding_is_read() -> None:
    assert read("Björk - Jóga.mp3\n".encode("cp1252"), file_name="a.m3u").entries[0].title == "Björk - Jóga"


@pytest.mark.parametrize("name", FORMATS)
def test_a_list_is_known_by_how_it_begins(name: str) -> None:
    entries = read(write(PROGRAMME, name).encode(), file_name="list.txt").entries
    assert [entry.title for entry in entries] == ["Still Water", "Silence", "Nimrod & co. <live>"]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><playlist><title>&b;</title></playlist>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><playlist><title>&a;</title></playlist>'


@pytest.mark.parametrize(
    "content, name, message",
    [
        ("{", "a.jspf", "Line 1 is not JSON: Expecting property name enclosed in double quotes."),
        ("[" * 100_000, "a.jspf", "The file is not JSON that can be read."),
        ('{"track": [{"duration": NaN}]}', "a.jspf", "The file is not JSON that can be read."),
        ("[]", "a.jspf", "The file must be an object."),
        ('{"playlist": {}}', "a.jspf", "playlist.track: must be a list."),
        ('{"playlist": {"track": ["a"]}}', "a.jspf", "playlist.track[1]: must be an object."),
        ('{"playlist": {"track": [{"title": 5}]}}', "a.jspf", "playlist.track[1].title: must be text."),
        (
            '{"playlist": {"track": [{"duration": "long"}]}}',
            "a.jspf",
            "playlist.track[1].duration: must be a number.",
        ),
        (
            '{"playlist": {"track": [' + "{}," * 2000 + "{}]}}",
            "a.jspf",
            "playlist.track: holds more than 2,000 tracks.",
        ),
        (
            '{"track": [{"extension": {"urn:x-kap:track:1": {"silence_s": -1}}}]}',
            "a.jspf",
            "playlist.track[1].extension.urn:x-kap:track:1.silence_s: must be 0 or more.",
        ),
        ("<playlist>\n<title>", "a.xspf", "Line 2 is not XML: no element found."),
        ("<html/>", "a.xspf", "The file is XML, but no XSPF playlist."),
        (BOMB, "a.xspf", "Line 1 declares a document type, which is not read for safety."),
        (OUTSIDE, "a.xspf", "Line 1 declares a document type, which is not read for safety."),
        ("<a>" * 50, "a.xspf", "Line 1 lies too deep inside other elements."),
        (
            "<playlist><trackList><track><duration>long</duration></track></trackList></playlist>",
            "a.xspf",
            "track[1].duration: must be a number.",
        ),
        ("#EXTM3U\n#EXTINF:long,A\na.mp3", "a.m3u8", "Line 2 must be a number."),
        (
            "#EXTM3U\n#EXT-X-TARGETDURATION:10",
            "a.m3u8",
            "Line 2 belongs to a stream cut into pieces, not to a list of tracks.",
        ),
        ("#KAP-TRACK:{", "a.m3u8", "Line 1 is not what Kap writes there."),
        (
            'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 1:2',
            "a.cue",
            "Line 3 has no mark of the kind “INDEX 01 12:34:56” inside a track.",
        ),
        (
            f"TRACK 01 AUDIO\nINDEX 01 {'9' * 5000}:00:00",
            "a.cue",
            "Line 2 has no mark of the kind “INDEX 01 12:34:56” inside a track.",
        ),
        ("REM nothing", "a.cue", "The file marks no track."),
        ("#EXTM3U\n" + "#PLAYLIST:a\n" * 40_000, "a.m3u8", "The file has more than 40,000 lines."),
        ("<playlist>" + "<a/>" * 100_000, "a.xspf", "The file has more than 100,000 elements."),
        ("hello", "a.txt", "The file is neither JSPF, XSPF, M3U8 nor CUE."),
        ("x" * 5_000_001, "a.m3u8", "The file is larger than 5 MB."),
    ],
)
def test_a_broken_list_names_the_line_or_the_field(content: str, name: str, message: str) -> None:
    with pytest.raises(ListingError) as caught:
        read(content.encode(), file_name=name)
    assert str(caught.value) == message


# Any list.

words = st.text(max_size=30)
moments = st.integers(0, 360_000_000).map(lambda n: n / 1000)
seconds = st.none() | st.integers(1, 36_000_000).map(lambda n: n / 1000)
numbers = st.none() | st.floats(-100, 100)
entries = st.builds(
    Wanted,
    title=words,
    artist=words,
    album=words,
    duration_s=seconds,
    identifiers=st.lists(words, max_size=3).map(tuple),
    location=words,
    note=words,
    silence_s=st.none(),
    pinned_at_s=st.none() | moments,
    start_s=st.none() | moments,
    gain_db=numbers,
    intensity=st.none() | st.floats(0, 1),
) | st.builds(Wanted, title=words, silence_s=moments, start_s=st.none() | moments)
listings = st.builds(
    Listing,
    title=words,
    creator=words,
    note=words,
    entries=st.lists(entries, max_size=5).map(tuple),
    arc=st.none() | st.sampled_from([arc.as_dict() for arc in arcs().values()]),
    length_s=st.none() | moments,
    surplus_s=st.none() | moments,
    seed=st.none() | st.integers(0, 9999),
    sound_file=words,
)


@pytest.mark.parametrize("name", ["jspf", "xspf"])
@settings(max_examples=60)
@given(listing=listings)
def test_any_list_comes_back_from_jspf_and_xspf(name: str, listing: Listing) -> None:
    written = write(listing, name)
    assert read(written.encode(), file_name=f"a.{name}") == tidied(listing)
    assert write(read(written.encode(), file_name=f"a.{name}"), name) == written


@settings(max_examples=60)
@given(listing=listings)
def test_any_list_comes_back_from_m3u8(listing: Listing) -> None:
    """But for the line of a file, which cannot be left out, and a title, which an artist needs beside it."""
    held = replace(
        listing,
        entries=tuple(
            replace(
                entry, title=f"T{number}", location=f"f/{entry.location}" if entry.silence_s is None else ""
            )
            for number, entry in enumerate(listing.entries)
        ),
    )
    written = write(held, "m3u8")
    assert read(written.encode(), file_name="a.m3u8") == tidied(held)


@settings(max_examples=60)
@given(listing=listings)
def test_any_list_comes_back_from_cue_with_what_it_can_hold(listing: Listing) -> None:
    written = write(listing, "cue")
    if not listing.entries:
        return
    found = read(written.encode(), file_name="a.cue")
    kept = tidied(listing)
    assert found.title == kept.title.replace('"', "'")
    assert [entry.title for entry in found.entries] == [e.title.replace('"', "'") for e in kept.entries]
    assert [entry.silence_s for entry in found.entries] == [entry.silence_s for entry in kept.entries]
    for got, entry in zip(found.entries, kept.entries, strict=True):
        if entry.start_s is not None:
            assert got.start_s == pytest.approx(entry.start_s, abs=0.6 / FRAMES)
    assert write(replace(found, entries=found.entries), "cue") == written


@settings(max_examples=60)
@given(
    content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    name=st.sampled_from([*FORMATS, "txt"]),
)
def test_any_file_is_read_or_refused_in_a_sentence(content: bytes, name: str) -> None:
    assert refusal(content, f"a.{name}").endswith(".")


def refusal(content: bytes, file_name: str) -> str:
    try:
        return f"{len(read(content, file_name=file_name).entries)} tracks."
    except ListingError as refused:
        return str(refused)


# Which track of the library is meant.

LIBRARY = [
    Known("joga", "Jóga", "Björk", "Homogenic", 305.0, isrc="GBBLG9700012"),
    Known("nimrod", "Nimrod", "Edward Elgar", "", 240.0, recording_mbid=MBID),
    Known("gym1", "Gymnopédie No. 1", "Erik Satie", "", 185.0),
    Known("gym2", "Gymnopédie No. 2", "Erik Satie", "", 184.0),
    Known("says", "Says", "Nils Frahm", "Spaces", 498.0),
    Known("says-live", "Says (live)", "Nils Frahm", "", 499.0),
    Known("duo", "An Ending", "Brian Eno & Daniel Lanois", "", 266.0),
    Known("home", "Home (2011 Remastered)", "The Quiet", "", 200.0),
    Known("home-again", "Home", "The Quiet", "", 201.0),
    Known("own", "Still Water", "", "", 300.0, digest=DIGEST),
    Known("tokyo", "夜明け", "久石譲", "", 120.0),
]


@pytest.mark.parametrize(
    "wanted, found, how",
    [
        (Wanted("Nothing like it", identifiers=identifiers(isrc="gb-blg-97-00012")), ["joga"], "identifier"),
        (Wanted("", identifiers=identifiers(recording_mbid=MBID.upper())), ["nimrod"], "identifier"),
        (Wanted("Renamed", identifiers=identifiers(digest=DIGEST)), ["own"], "identifier"),
        (Wanted("JOGA", "Bjork", duration_s=306.9), ["joga"], "artist and title"),
        (Wanted("Joga", "Björk"), ["joga"], "artist and title"),
        (Wanted("Jóga", "Björk", duration_s=309), [], "none"),
        (
            Wanted("An Ending - 2012 Remaster", "Eno, Brian; Daniel Lanois", duration_s=266),
            ["duo"],
            "artist and title",
        ),
        (Wanted("An Ending (feat. Somebody)", "Daniel Lanois and Brian Eno"), ["duo"], "artist and title"),
        (Wanted("Says", "Nils Frahm"), ["says"], "artist and title"),
        (Wanted("Says (Live)", "Nils Frahm"), ["says-live"], "artist and title"),
        (Wanted("Gymnopedie No 1", "Eric Satie", duration_s=185), ["gym1"], "similar"),
        (Wanted("Gymnopedie No. 3", "Erik Satie", duration_s=185), [], "none"),
        (Wanted("Home", "Quiet", duration_s=201), ["home-again", "home"], "ambiguous"),
        (Wanted("still water", duration_s=301), ["own"], "title and length"),
        (Wanted("still water"), [], "none"),
        (Wanted("夜明け", "久石譲"), ["tokyo"], "artist and title"),
        (Wanted("Unheard of", "Nobody", duration_s=100), [], "none"),
        (Wanted("", "Björk"), [], "none"),
    ],
)
def test_which_track_a_list_means(wanted: Wanted, found: list[str], how: str) -> None:
    answer = match([wanted], LIBRARY)[0]
    assert (list(answer.track_ids), answer.how) == (found, how)
    assert answer.track_id == (found[0] if len(found) == 1 else None)
    assert answer.is_ambiguous == (len(found) > 1)


def test_every_track_of_a_library_is_found_again_from_its_own_list() -> None:
    chance = random.Random(2)
    syllables = ["ka", "lo", "mi", "ren", "su", "tha", "vel", "or", "ni", "quo", "bel", "dra"]

    def name(parts: int) -> str:
        return "".join(chance.choice(syllables) for _ in range(parts)).title()

    library = [
        Known(f"t{number}", f"{name(3)} {name(2)}", name(4), "", chance.uniform(100, 600))
        for number in range(1000)
    ]
    listing = Listing(
        entries=tuple(
            Wanted(track.title, track.artist, duration_s=round(track.duration_s or 0, 3))
            for track in library[::5]
        )
    )
    again = read(write(listing, "xspf").encode(), file_name="a.xspf").entries
    misspelt = [replace(entry, title=entry.title[:2] + entry.title[3:]) for entry in again]
    assert [found.track_id for found in match(again, library)] == [track.id for track in library[::5]]
    assert sum(found.track_id is not None for found in match(misspelt, library)) > 150


def test_a_title_made_to_take_long_takes_no_time() -> None:
    assert match([Wanted(title="(feat " * 1600)], [Known(id="1", title="Still")])[0].how == "none"
