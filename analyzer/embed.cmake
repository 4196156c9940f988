# SPDX-License-Identifier: MIT
#
# Write OUT, a C file that holds the files NAMES of the current folder as struct asset assets[].
# Bytes as numbers: no quoting to get wrong, and no limit on the length of a string.
list(SORT NAMES)
set(text "/* Made by embed.cmake. */\n#include \"assets.h\"\n\n")
set(rows "")
set(number 0)
foreach(name IN LISTS NAMES)
	file(READ ${name} hex HEX)
	file(SIZE ${name} size)
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
	string(APPEND text "static const unsigned char asset_${number}[] = {${bytes}0};\n")
	string(APPEND rows "\t{\"${name}\", (const char *)asset_${number}, ${size}},\n")
	math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "${text}\nconst struct asset assets[] = {\n${rows}\t{0}\n};\n")
