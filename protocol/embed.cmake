# cmake -DIN=FILE -DOUT=FILE.cpp -DNAME=function -P embed.cmake: a file's bytes as a function that returns them.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${hex}")
string(REGEX REPLACE "(................................................................)" "\\1\"\n    \"" text "${text}")
string(LENGTH "${hex}" digits)
math(EXPR bytes "${digits} / 2")
file(WRITE ${OUT} "#include <string_view>\n\nnamespace omrsync {\n\nstd::string_view ${NAME}() {\n  return {\n    \"${text}\",\n    ${bytes}};\n}\n\n}  // namespace omrsync\n")
