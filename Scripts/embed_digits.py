#!/usr/bin/env python3
"""Writes Sources/FirecrestVision/DigitsData.swift from the UCI file optdigits.tes, plain or gzip.

  Scripts/embed_digits.py optdigits.tes.gz

The file has 1,797 lines of 64 pixels (0 to 16) and a class (0 to 9). What is embedded is a gzip archive of these numbers
as bytes, all first pixels first and all classes last, in Base64: pixels of one place resemble each other, which packs
better than line by line.
"""
import base64
import gzip
import pathlib
import sys

HEADER = '''\
/// The digits of `Digits`, written by Scripts/embed_digits.py from optdigits.tes: 65 columns (64 pixels and the class) of
/// 1,797 bytes, gzip, Base64.
///
/// E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
/// https://doi.org/10.24432/C50P49, licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).
'''


def main():
    content = pathlib.Path(sys.argv[1]).read_bytes()
    if content[:2] == b'\x1f\x8b':
        content = gzip.decompress(content)
    rows = [[int(number) for number in line.split(',')] for line in content.decode().split()]
    assert len(rows) == 1797 and all(len(row) == 65 for row in rows)
    assert all(0 <= number <= 16 for row in rows for number in row[:64]) and all(0 <= row[64] <= 9 for row in rows)
    columns = b''.join(bytes(column) for column in zip(*rows))
    text = base64.b64encode(gzip.compress(columns, 9, mtime=0)).decode()
    lines = [text[i:i + 118] for i in range(0, len(text), 118)]
    target = pathlib.Path(__file__).parent.parent / 'Sources/FirecrestVision/DigitsData.swift'
    target.write_text(HEADER + 'let digitsArchive: StaticString = """\n' + ''.join(f'  {line}\n' for line in lines) + '  """\n')
    print(f'{target}: {len(columns)} bytes in {len(text)} letters')


main()
