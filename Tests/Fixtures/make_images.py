#!/usr/bin/env python3
"""Writes Tests/Fixtures/Images: pictures and IDX files as other programs write them. Needs Pillow (13.0 was used).

Pixel (x, y) of channel c is (7 x + 13 y + 50 c) % 256, in pictures of 9 by 5.
"""
import gzip
import pathlib
import struct
import zlib

from PIL import Image

FOLDER = pathlib.Path(__file__).parent / 'Images'
WIDTH, HEIGHT = 9, 5


def value(x, y, c):
    return (7 * x + 13 * y + 50 * c) % 256


def picture(mode):
    channels = len(mode)
    image = Image.new(mode, (WIDTH, HEIGHT))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            pixel = tuple(value(x, y, c) for c in range(channels))
            image.putpixel((x, y), pixel if channels > 1 else pixel[0])
    return image


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(depth, color, interlace, rows, extra=b''):
    header = struct.pack('>IIBBBBB', WIDTH, HEIGHT, depth, color, 0, 0, interlace)
    data = zlib.compress(b''.join(b'\0' + row for row in rows))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + extra + chunk(b'IDAT', data) + chunk(b'IEND', b''))


def rgb_row(y, xs=range(WIDTH)):
    return bytes(value(x, y, c) for x in xs for c in range(3))


def pictures():
    for mode, name in [('L', 'gray'), ('LA', 'gray_alpha'), ('RGB', 'rgb'), ('RGBA', 'rgba')]:
        picture(mode).save(FOLDER / f'{name}.png')
    picture('RGB').convert('L').save(FOLDER / 'rgb_as_gray.png')
    picture('L').save(FOLDER / 'gray.pgm')
    picture('RGB').save(FOLDER / 'rgb.ppm')
    palette = Image.new('P', (WIDTH, HEIGHT))
    palette.putpalette([value(0, 0, i % 3) + i // 3 for i in range(60)])
    palette.putdata([(x + y) % 20 for y in range(HEIGHT) for x in range(WIDTH)])
    palette.save(FOLDER / 'palette.png')
    bits = Image.new('1', (WIDTH, HEIGHT))
    bits.putdata([255 * ((x + y) % 2) for y in range(HEIGHT) for x in range(WIDTH)])
    bits.save(FOLDER / 'bits.png')
    gray16 = [b''.join(struct.pack('>H', 257 * value(x, y, 0)) for x in range(WIDTH)) for y in range(HEIGHT)]
    (FOLDER / 'gray16.png').write_bytes(png(16, 0, 0, gray16))
    # A gamma of 1 would make every pixel brighter; readers of training data leave it alone.
    gamma = chunk(b'gAMA', struct.pack('>I', 100000)) + chunk(b'tEXt', b'Comment\0' + b'x' * 50)
    (FOLDER / 'gamma.png').write_bytes(png(8, 2, 0, [rgb_row(y) for y in range(HEIGHT)], gamma))
    passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    rows = [rgb_row(y, range(x0, WIDTH, dx)) for x0, dx, y0, dy in passes for y in range(y0, HEIGHT, dy)
            if range(x0, WIDTH, dx)]
    (FOLDER / 'interlaced.png').write_bytes(png(8, 2, 1, rows))


def idx(code, *sizes):
    return bytes([0, 0, code, len(sizes)]) + b''.join(struct.pack('>I', size) for size in sizes)


def arrays():
    pack = lambda data: gzip.compress(data, 9, mtime=0)
    small = idx(8, 2, 3) + bytes(range(6))
    (FOLDER / 'u1.idx').write_bytes(small)
    (FOLDER / 'u1.idx.gz').write_bytes(pack(small))
    (FOLDER / 'members.idx.gz').write_bytes(pack(small[:7]) + pack(small[7:]))
    # 2 MB of zeros behind an array of 10.
    (FOLDER / 'bomb.idx.gz').write_bytes(pack(idx(8, 10) + bytes(2_000_000)))
    (FOLDER / 'short.idx.gz').write_bytes(pack(idx(8, 10) + bytes(9)))
    for code, letter, name in [(9, 'b', 'i1'), (0x0B, 'h', 'i2'), (0x0C, 'i', 'i4'), (0x0D, 'f', 'f4'), (0x0E, 'd', 'f8')]:
        numbers = [3 * k - 5 for k in range(6)]
        (FOLDER / f'{name}.idx').write_bytes(idx(code, 2, 3) + struct.pack(f'>6{letter}', *numbers))


FOLDER.mkdir(exist_ok=True)
pictures()
arrays()
