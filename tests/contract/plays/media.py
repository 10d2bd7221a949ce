"""Pictures and files: uploaded at once or later, downloaded, made small."""

import io

from PIL import Image

from tests.contract.stage import BAD_BODY, Cast

PNG = "image/png"
HIDDEN_MEDIA = frozenset({"M_NOT_FOUND", "M_UNKNOWN"})


def a_picture_is_uploaded_downloaded_and_made_small(cast: Cast) -> None:
    picture = _picture()
    uri = cast.alice.good("uploadContent", content=picture, media_type=PNG, query={"filename": "tea.png"})
    place = _place(uri["content_uri"])
    assert cast.bob.ask("getContentAuthed", **place).content == picture
    assert cast.bob.ask("getContentOverrideNameAuthed", **place, fileName="cup.png").content == picture
    small = cast.bob.ask("getContentThumbnailAuthed", **place, query={"width": 32, "height": 32, "method": "scale"})
    assert small.headers["content-type"] in {"image/png", "image/jpeg", "image/webp"}
    # The specification lets a thumbnail be larger than was asked for, never larger than the picture.
    assert Image.open(io.BytesIO(small.content)).width <= 64
    missing = {**place, "mediaId": "nosuchmedia"}
    cast.bob.bad("getContentAuthed", 404, "M_NOT_FOUND", **missing)
    cast.bob.bad("getContentOverrideNameAuthed", 404, "M_NOT_FOUND", **missing, fileName="x")
    cast.bob.bad("getContentThumbnailAuthed", 400, BAD_BODY, **place, query={"width": "wide", "height": 1})


def media_may_be_uploaded_to_an_address_made_before(cast: Cast) -> None:
    place = _place(cast.alice.good("createContent")["content_uri"])
    cast.alice.signed_out("createContent")
    cast.bob.bad("uploadContentToMXC", (403, 404), {"M_FORBIDDEN", "M_NOT_FOUND"}, **place, content=b"x")
    cast.alice.good("uploadContentToMXC", **place, content=_picture(), media_type=PNG)
    cast.alice.bad("uploadContentToMXC", 409, "M_CANNOT_OVERWRITE_MEDIA", **place, content=_picture(), media_type=PNG)


def an_upload_keeps_to_the_size_that_was_announced(cast: Cast) -> None:
    size_max_bytes = cast.alice.good("getConfigAuthed")["m.upload.size"]
    cast.alice.signed_out("getConfigAuthed")
    too_large = b"\0" * (size_max_bytes + 1)
    cast.alice.bad("uploadContent", 413, "M_TOO_LARGE", content=too_large, media_type="application/octet-stream")


def the_older_paths_answer_if_they_are_there(cast: Cast) -> None:
    place = _place(cast.alice.good("uploadContent", content=_picture(), media_type=PNG)["content_uri"])
    missing = {**place, "mediaId": "nosuchmedia"}
    older = (
        ("getContent", {}, {}),
        ("getContentOverrideName", {"fileName": "x.png"}, {}),
        ("getContentThumbnail", {}, {"width": 8, "height": 8}),
    )
    for operation_id, more, query in older:
        if cast.stage.is_built(operation_id):
            # To strangers nothing that was uploaded after the freeze of these paths, as the specification asks.
            cast.alice.bad(operation_id, 404, HIDDEN_MEDIA, **missing, **more, query=query)
            cast.stage.stranger.bad(operation_id, 404, HIDDEN_MEDIA, **place, **more, query=query)
            assert cast.alice.good(operation_id, **place, **more, query=query)
    if cast.stage.is_built("getConfig"):
        cast.alice.good("getConfig")
        cast.alice.signed_out("getConfig")


def _place(content_uri: str) -> dict[str, str]:
    server_name, _, media_id = content_uri.removeprefix("mxc://").partition("/")
    return {"serverName": server_name, "mediaId": media_id}


def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 60, 30)).save(file, "PNG")
    return file.getvalue()


PLAYS = (
    a_picture_is_uploaded_downloaded_and_made_small,
    media_may_be_uploaded_to_an_address_made_before,
    an_upload_keeps_to_the_size_that_was_announced,
    the_older_paths_answer_if_they_are_there,
)
