import numpy as np
import pytest
from PIL import Image, ImageOps

from bridle.data.pictures import BadPicture, Probe, decode, probe, quiet

RGB = np.random.default_rng(0).integers(0, 256, (12, 8, 3)).astype(np.uint8)
GREY = RGB[..., 0]
SMOOTH = np.stack(np.broadcast_arrays(np.arange(96)[:, None], np.arange(64)[None] * 3, 90), -1).astype(np.uint8)


@pytest.fixture
def save(tmp_path):
    def write(image, name="a.png", **more):
        path = tmp_path / name
        (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **more)
        return path

    return write


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp"])
def test_exact_formats_keep_every_pixel(save, name):
    path = save(RGB, name, **({"lossless": True} if name.endswith("webp") else {}))
    assert probe(path) == Probe(12, 8, grey=False)
    np.testing.assert_array_equal(decode(path, (3, 12, 8)), RGB.transpose(2, 0, 1))


def test_jpeg_is_close(save):
    path = save(SMOOTH, "a.jpg", quality=95)
    found = decode(path, (3, 96, 64)).astype(int)
    assert np.abs(found - SMOOTH.transpose(2, 0, 1)).max() < 12


def test_grey(save):
    path = save(GREY)
    assert probe(path).grey
    np.testing.assert_array_equal(decode(path, (1, 12, 8))[0], GREY)
    np.testing.assert_array_equal(decode(path, (3, 12, 8)), np.stack([GREY] * 3))


def test_colour_becomes_grey_as_pil_does(save):
    np.testing.assert_array_equal(decode(save(RGB), (1, 12, 8))[0], Image.fromarray(RGB).convert("L"))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_white(save, mode):
    image = Image.fromarray(RGB).convert(mode)
    image.putalpha(Image.fromarray(np.where(np.arange(8) < 4, 255, 0).astype(np.uint8)[None].repeat(12, 0)))
    path = save(image)
    assert probe(path).grey is (mode == "LA")
    found = decode(path, (3, 12, 8))
    assert (found[:, :, 4:] == 255).all()
    np.testing.assert_array_equal(found[:, :, :4], np.asarray(image.convert("RGB")).transpose(2, 0, 1)[:, :, :4])


def test_palettes(save):
    image = Image.fromarray(RGB).quantize(16)
    path = save(image)
    assert not probe(path).grey
    np.testing.assert_array_equal(decode(path, (3, 12, 8)), np.asarray(image.convert("RGB")).transpose(2, 0, 1))
    grey = Image.fromarray(GREY // 16)
    grey.putpalette([level * 16 for level in range(16) for _ in range(3)])
    path = save(grey, "grey.png")
    assert probe(path).grey
    np.testing.assert_array_equal(decode(path, (1, 12, 8))[0], GREY // 16 * 16)


def test_a_transparent_palette_is_white(save):
    image = Image.fromarray((GREY > 99).astype(np.uint8))
    image.putpalette([0, 0, 255, 255, 0, 0])
    found = decode(save(image, transparency=0), (3, 12, 8))
    clear = GREY <= 99
    assert (found[:, clear] == 255).all()
    assert (found[:, ~clear] == np.array([[255], [0], [0]])).all()


def test_one_bit_and_sixteen_bits(save):
    bits = GREY > 99
    np.testing.assert_array_equal(decode(save(bits), (1, 12, 8))[0], bits * 255)
    deep = save(GREY.astype(np.uint16) * 257, "deep.png")
    assert probe(deep).grey
    np.testing.assert_array_equal(decode(deep, (1, 12, 8))[0], GREY)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_pictures_are_turned_upright(save, orientation, ending):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(SMOOTH, f"a.{ending}", exif=exif)
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    if ending == "jpg":
        assert (probe(path).width, probe(path).height) == upright.size
    found = decode(path, (3, upright.height, upright.width))
    np.testing.assert_array_equal(found, np.asarray(upright).transpose(2, 0, 1))


def test_scaling_keeps_proportions_and_cuts_evenly(save):
    columns = np.zeros((20, 60, 3), np.uint8)
    columns[:, 20:40] = 255
    for image in (columns, columns.transpose(1, 0, 2)):
        found = decode(save(image), (3, 10, 10))
        assert (found[:, 1:-1, 1:-1] == 255).all()
        assert found.min() > 200


def test_scaling_against_pil(save):
    expected = ImageOps.fit(Image.fromarray(SMOOTH), (30, 30), Image.Resampling.BILINEAR)
    difference = decode(save(SMOOTH), (3, 30, 30)).astype(int) - np.asarray(expected).transpose(2, 0, 1)
    assert np.abs(difference).max() <= 2


def test_small_pictures_are_enlarged(save):
    assert decode(save(RGB), (3, 40, 40)).shape == (3, 40, 40)


def test_a_large_jpeg_is_decoded_at_a_fraction(save):
    large = np.asarray(Image.fromarray(SMOOTH).resize((1024, 1536)))
    path = save(large, "a.jpg", quality=95)
    found = decode(path, (3, 96, 64)).astype(int)
    assert np.abs(found - SMOOTH.transpose(2, 0, 1)).mean() < 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty, 0 bytes"),
        (b"no picture at all", "no picture in a known format"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged|no picture in a known format"),
    ],
)
def test_bad_files(tmp_path, content, reason):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadPicture, match=reason):
        probe(path)
    with pytest.raises(BadPicture, match=reason):
        decode(path, (3, 4, 4))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp"])
def test_truncated_files(save, name):
    path = save(np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadPicture, match=r"damaged|no picture"):
        decode(path, (3, 8, 8))


def test_huge_pictures(save, monkeypatch):
    path = save(RGB)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 90)
    with quiet(), pytest.raises(BadPicture, match="huge, more than 90 pixels"):
        probe(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(BadPicture, match="huge, more than 10 pixels"):
        decode(path, (3, 4, 4))
